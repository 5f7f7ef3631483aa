"""The runner behind moto's Batch: small programs as jobs, submitted and read by boto3."""

from __future__ import annotations

import json
import sys
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from awsbed import Bed, Image

RETRY = {
    "attempts": 10,
    "evaluateOnExit": [
        {"onStatusReason": "Your Spot Task was interrupted*", "action": "RETRY"},
        {"onExitCode": "75", "action": "RETRY"},
        {"onReason": "*", "action": "EXIT"},
    ],
}
TERM = "trap 'echo asked to end; exit 143' TERM; "


@dataclass
class Lab:
    """A queue, and shell scripts as jobs."""

    bed: Bed
    queue: str
    folder: Path
    batch: Any = field(init=False)

    def __post_init__(self) -> None:
        self.batch = self.bed.client("batch")

    def define(self, script: str, **more: Any) -> str:
        """Make a job definition; ``more`` are properties of its container."""
        name = f"d-{uuid.uuid4().hex[:8]}"
        container = {
            "image": "shell",
            "command": ["-c", script],
            "resourceRequirements": [
                {"type": "VCPU", "value": "1"},
                {"type": "MEMORY", "value": "2048"},
            ],
        } | more
        self.batch.register_job_definition(
            jobDefinitionName=name, type="container", containerProperties=container,
            platformCapabilities=["FARGATE"],
        )  # fmt: skip
        return name

    def submit(self, script: str, **more: Any) -> str:
        definition = self.define(script, **more.pop("container", {}))
        told = self.batch.submit_job(
            jobName="job", jobQueue=self.queue, jobDefinition=definition, **more
        )
        return str(told["jobId"])

    def job(self, job_id: str) -> dict[str, Any]:
        return dict(self.batch.describe_jobs(jobs=[job_id])["jobs"][0])

    def status(self, job_id: str) -> str:
        return str(self.job(job_id)["status"])

    def over(self, *job_ids: str) -> list[str]:
        jobs = self.bed.batch.jobs
        self.bed.batch.until(lambda: all(jobs[name].is_over for name in job_ids))
        return [self.status(name) for name in job_ids]

    def lines(self, job_id: str, attempt: int = -1) -> list[str]:
        stream = self.job(job_id)["attempts"][attempt]["container"]["logStreamName"]
        events = self.bed.client("logs").get_log_events(
            logGroupName="/aws/batch/job", logStreamName=stream, startFromHead=True
        )
        return [event["message"] for event in events["events"]]

    def said(self, name: str) -> None:
        """Wait until a job has made a file."""
        self.bed.batch.until((self.folder / name).exists)


@pytest.fixture(scope="session")
def queue(session_bed: Bed) -> str:
    ec2, batch = session_bed.client("ec2"), session_bed.client("batch")
    group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    role = session_bed.client("iam").get_role(RoleName="batch")["Role"]["Arn"]
    environment = batch.create_compute_environment(
        computeEnvironmentName="lab", type="MANAGED", serviceRole=role,
        computeResources={
            "type": "FARGATE", "maxvCpus": 4, "subnets": [subnet], "securityGroupIds": [group],
        },
    )["computeEnvironmentArn"]  # fmt: skip
    order = [{"order": 1, "computeEnvironment": environment}]
    made = batch.create_job_queue(
        jobQueueName="lab", priority=1, state="ENABLED", computeEnvironmentOrder=order
    )
    return str(made["jobQueueArn"])


@pytest.fixture
def lab(bed: Bed, queue: str, tmp_path: Path) -> Lab:
    bed.batch.images["shell"] = Image(
        ["/bin/sh"], {"PATH": "/usr/bin:/bin", "MADE_BY": "image"}, tmp_path
    )
    return Lab(bed, queue, tmp_path)


def test_a_job_has_its_command_its_environment_and_its_log(lab):
    job = lab.submit(
        'echo "$1-$2 $MADE_BY $DEFINED $GIVEN"; env | sort > env; pwd; echo oops >&2',
        container={
            "command": ["-c", 'echo "$1-$2 $MADE_BY $DEFINED $GIVEN"; env > env; echo oops >&2',
                        "name", "Ref::plan", "s3://Ref::place/x"],
            "environment": [{"name": "DEFINED", "value": "d"}, {"name": "GIVEN", "value": "d"}],
        },
        parameters={"plan": "p", "place": "b"},
        containerOverrides={"environment": [{"name": "GIVEN", "value": "s"}]},
    )  # fmt: skip
    assert lab.over(job) == ["SUCCEEDED"]
    assert lab.lines(job) == ["p-s3://b/x image d s", "oops"]
    environment = dict(line.split("=", 1) for line in (lab.folder / "env").read_text().splitlines())
    assert environment["AWS_BATCH_JOB_ID"] == job
    assert environment["AWS_BATCH_JOB_ATTEMPT"] == "1"
    assert environment["AWS_BATCH_JQ_NAME"] == environment["AWS_BATCH_CE_NAME"] == "lab"
    assert environment["AWS_REGION"] == "us-west-2"
    assert not {"AWS_BATCH_JOB_ARRAY_INDEX", "HOME", "VIRTUAL_ENV"} & environment.keys()
    told = lab.job(job)
    assert told["statusReason"] == "Essential container in task exited"
    assert told["container"]["exitCode"] == 0
    assert told["createdAt"] <= told["startedAt"] <= told["stoppedAt"]


def test_children_of_an_array_have_their_index_and_fail_it_together(lab):
    fine = lab.submit('echo "$AWS_BATCH_JOB_ARRAY_INDEX" > i$AWS_BATCH_JOB_ARRAY_INDEX',
                      arrayProperties={"size": 5})  # fmt: skip
    bad = lab.submit('test "$AWS_BATCH_JOB_ARRAY_INDEX" != 1', arrayProperties={"size": 3})
    after = lab.submit("touch after", dependsOn=[{"jobId": bad}])
    assert lab.over(fine, bad, after) == ["SUCCEEDED", "FAILED", "FAILED"]
    assert sorted(path.name for path in lab.folder.glob("i*")) == ["i0", "i1", "i2", "i3", "i4"]
    assert lab.job(fine)["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 5
    assert lab.job(bad)["arrayProperties"]["statusSummary"]["FAILED"] == 1
    assert lab.job(bad)["statusReason"] == "Array Child Job failed"
    assert lab.job(f"{bad}:1")["container"]["exitCode"] == 1
    assert lab.job(f"{bad}:2")["status"] == "SUCCEEDED"
    assert lab.job(after)["statusReason"] == "Dependent Job failed"
    assert lab.job(after)["attempts"] == []
    assert not (lab.folder / "after").exists()


def test_a_job_waits_for_all_it_depends_on(lab):
    script = "while test ! -e go; do sleep 0.02; done; echo {} >> order"
    first = lab.submit(script.format("first"))
    array = lab.submit(script.format("array"), arrayProperties={"size": 2})
    last = lab.submit("echo last >> order", dependsOn=[{"jobId": first}, {"jobId": array}])
    array_after = lab.submit(
        "echo again >> order", dependsOn=[{"jobId": last}], arrayProperties={"size": 2}
    )
    lab.bed.batch.until(lambda: lab.status(first) == "RUNNING")
    assert lab.status(last) == lab.status(array_after) == "PENDING"
    (lab.folder / "go").touch()
    assert lab.over(array_after) == ["SUCCEEDED"]
    order = (lab.folder / "order").read_text().split()
    assert sorted(order[:3]) == ["array", "array", "first"]
    assert order[3:] == ["last", "again", "again"]


def test_children_one_after_the_other_and_each_after_its_like(lab):
    note = "echo {}$AWS_BATCH_JOB_ARRAY_INDEX >> order"
    size = {"size": 3}
    first = lab.submit(note.format("a"), arrayProperties=size, dependsOn=[{"type": "SEQUENTIAL"}])
    second = lab.submit(
        f"grep -q a$AWS_BATCH_JOB_ARRAY_INDEX order && {note.format('b')}",
        arrayProperties=size, dependsOn=[{"type": "N_TO_N", "jobId": first}],
    )  # fmt: skip
    assert lab.over(first, second) == ["SUCCEEDED", "SUCCEEDED"]
    order = (lab.folder / "order").read_text().split()
    assert [name for name in order if name[0] == "a"] == ["a0", "a1", "a2"]


def test_fails_twice_then_succeeds(lab):
    job = lab.submit(
        'echo $AWS_BATCH_JOB_ATTEMPT; test "$AWS_BATCH_JOB_ATTEMPT" = 3 || exit 75',
        retryStrategy=RETRY,
    )
    assert lab.over(job) == ["SUCCEEDED"]
    attempts = lab.job(job)["attempts"]
    assert [attempt["container"]["exitCode"] for attempt in attempts] == [75, 75, 0]
    assert [lab.lines(job, index) for index in range(3)] == [["1"], ["2"], ["3"]]


def test_fails_for_good(lab):
    at_once = lab.submit("exit 2", retryStrategy=RETRY)
    in_the_end = lab.submit("exit 75", retryStrategy=RETRY)
    assert lab.over(at_once, in_the_end) == ["FAILED", "FAILED"]
    assert len(lab.job(at_once)["attempts"]) == 1
    assert len(lab.job(in_the_end)["attempts"]) == 10


def test_an_interruption_asks_first_and_is_tried_again(lab):
    job = lab.submit(
        TERM + 'test "$AWS_BATCH_JOB_ATTEMPT" = 2 && exit 0; touch up; '
        "while :; do sleep 0.02; done",
        retryStrategy=RETRY,
    )
    lab.said("up")
    lab.bed.batch.interrupt(job)
    assert lab.over(job) == ["SUCCEEDED"]
    first = lab.job(job)["attempts"][0]
    assert first["statusReason"] == "Your Spot Task was interrupted."
    assert first["container"]["exitCode"] == 143
    assert lab.lines(job, 0) == ["asked to end"]


def test_who_does_not_listen_is_killed_with_all_its_children(lab):
    job = lab.submit(
        "trap '' TERM; sleep 1000 & echo $! > child; touch up; while :; do sleep 0.02; done",
        retryStrategy=RETRY | {"attempts": 1},
    )
    lab.said("up")
    child = Path("/proc", (lab.folder / "child").read_text().strip(), "stat")
    assert child.exists()
    lab.bed.batch.interrupt(job)
    assert lab.over(job) == ["FAILED"]
    assert lab.job(job)["container"]["exitCode"] == 137
    lab.bed.batch.until(lambda: not child.exists() or " Z " in child.read_text())


def test_an_interrupted_job_that_says_it_is_done_is_done(lab):
    """On AWS too: a worker that ends with 0 at SIGTERM is never started again."""
    job = lab.submit(
        "trap 'exit 0' TERM; touch up; while :; do sleep 0.02; done", retryStrategy=RETRY
    )
    lab.said("up")
    lab.bed.batch.interrupt(job)
    assert lab.over(job) == ["SUCCEEDED"]
    assert len(lab.job(job)["attempts"]) == 1


def test_out_of_memory_and_out_of_time_are_not_tried_again(lab):
    hungry = lab.submit("touch up; sleep 60", retryStrategy=RETRY)
    lab.said("up")
    lab.bed.batch.starve(hungry)
    slow = lab.submit(
        "sleep 60", retryStrategy={"attempts": 3}, timeout={"attemptDurationSeconds": 60}
    )
    assert lab.over(hungry, slow) == ["FAILED", "FAILED"]
    told = lab.job(hungry)
    assert told["container"]["reason"].startswith("OutOfMemoryError")
    assert told["container"]["exitCode"] == 137
    assert lab.job(slow)["statusReason"] == "Job attempt duration exceeded timeout"
    assert len(lab.job(slow)["attempts"]) == 1


def test_cancel_ends_what_waits_and_terminate_what_runs(lab):
    running = lab.submit(TERM + "touch up; while :; do sleep 0.02; done", retryStrategy=RETRY)
    lab.said("up")
    waiting = lab.submit("true", dependsOn=[{"jobId": running}])
    after = lab.submit("true", dependsOn=[{"jobId": waiting}])
    for job in (running, waiting):
        lab.batch.cancel_job(jobId=job, reason="no need")
    assert lab.over(waiting, after) == ["FAILED", "FAILED"]
    assert lab.job(waiting)["statusReason"] == "no need"
    assert lab.job(after)["statusReason"] == "Dependent Job failed"
    assert lab.status(running) == "RUNNING"
    lab.batch.terminate_job(jobId=running, reason="enough")
    assert lab.over(running) == ["FAILED"]
    told = lab.job(running)
    assert (told["statusReason"], len(told["attempts"])) == ("enough", 1)
    assert lab.lines(running) == ["asked to end"]


def test_secrets_come_from_secrets_manager_and_are_not_described(lab):
    secrets = lab.bed.client("secretsmanager")
    arn = secrets.create_secret(Name=f"s-{uuid.uuid4()}", SecretString="hunter2")["ARN"]
    container = {"secrets": [{"name": "EPICAT_STORE", "valueFrom": arn}]}
    job = lab.submit("echo ${#EPICAT_STORE}", container=container)
    assert lab.over(job) == ["SUCCEEDED"]
    assert lab.lines(job) == ["7"]
    assert "hunter2" not in json.dumps(lab.job(job))
    gone = {"secrets": [{"name": "EPICAT_STORE", "valueFrom": arn + "x"}]}
    bad = lab.submit("true", container=gone)
    assert lab.over(bad) == ["FAILED"]
    assert lab.job(bad)["statusReason"].startswith("ResourceInitializationError: unable to pull")


def test_what_cannot_be_started_fails_by_aws_s_words(lab):
    lab.bed.batch.images["broken"] = Image(["/no/such/program"])
    options = {"awslogs-group": "/nobody"}
    cases = {
        "CannotPullContainerError": {"image": "nobody/nothing:1"},
        "CannotStartContainerError": {"image": "broken"},
        "ResourceInitializationError": {
            "logConfiguration": {"logDriver": "awslogs", "options": options}
        },
    }
    for words, container in cases.items():
        job = lab.submit("true", container=container)
        assert lab.over(job) == ["FAILED"]
        told = lab.job(job)
        assert words in told["statusReason"] + told["container"].get("reason", "")
        assert "exitCode" not in told["container"]


REFUSED = {
    "an array of one": {"arrayProperties": {"size": 1}},
    "too many dependencies": {"dependsOn": [{"jobId": str(i)} for i in range(21)]},
    "a job that is not there": {"dependsOn": [{"jobId": "nobody"}]},
    "a short limit": {"timeout": {"attemptDurationSeconds": 30}},
    "a long parameter": {"parameters": {"plan": "x" * 9000}},
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_aws_refuses_is_refused(case, lab):
    with pytest.raises(ClientError) as told:
        lab.submit("echo Ref::plan", **REFUSED[case])
    assert told.value.response["Error"]["Code"] == "ClientException"


def test_listings_come_in_pages_and_by_status(lab):
    array = lab.submit("true", arrayProperties={"size": 130})
    lab.over(array)
    pages = list(
        lab.batch.get_paginator("list_jobs").paginate(arrayJobId=array, jobStatus="SUCCEEDED")
    )
    assert [len(page["jobSummaryList"]) for page in pages] == [100, 30]
    assert pages[1]["jobSummaryList"][-1]["arrayProperties"]["index"] == 129
    assert lab.batch.list_jobs(arrayJobId=array)["jobSummaryList"] == []
    listed = [
        job["jobId"]
        for page in lab.batch.get_paginator("list_jobs").paginate(
            jobQueue=lab.queue, jobStatus="SUCCEEDED"
        )
        for job in page["jobSummaryList"]
    ]
    assert array in listed
    assert not any(":" in name for name in listed)


def test_a_program_of_python_s_is_an_image_too(lab):
    lab.bed.batch.images["python"] = Image([sys.executable, "-c", "import sys; print(sys.argv)"])
    job = lab.submit("", container={"image": "python", "command": ["work", "--plan", "x"]})
    assert lab.over(job) == ["SUCCEEDED"]
    assert lab.lines(job) == ["['-c', 'work', '--plan', 'x']"]
