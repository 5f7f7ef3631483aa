"""What is record to AWS Batch, by a client that counts; the folder is on this machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from epicat.aws.limits import check_submission
from epicat.aws.preflight import check_address, check_archive, check_store, results_of
from epicat.aws.stack import Stack
from epicat.aws.submission_record import SubmissionRecord, folder_of
from epicat.aws.submit import BatchTarget
from epicat.aws.template import DEFAULTS
from epicat.campaign.options import Partition
from epicat.cli.aws_jobs import AwsDestination
from epicat.errors import CloudError, InputError
from epicat.ledger import Stage
from epicat.model import Span
from epicat.pipeline.find_unit import find_unit
from epicat.pipeline.jobs.job_arrays import plan_job_arrays
from epicat.pipeline.jobs.submission import Submission
from epicat.pipeline.jobs.target import submit_arrays
from epicat.pipeline.ledger_view import LedgerView
from epicat.time import DAY_NS
from support.tiny_network import MIDNIGHT, bare_campaign

PARTITION = Partition(stations_per_unit=4, window_days=1)
OUTPUTS = {
    "Place": "s3://bucket/part/",
    "Queue": "arn:queue",
    "PickJob": "arn:pick:1",
    "AssociateJob": "arn:associate:1",
}


class Counted:
    """AWS's client as far as it takes jobs; after some it refuses."""

    region = "us-west-2"

    def __init__(self, most: int = 10**6) -> None:
        self.requests: list[dict] = []
        self._most = most

    def client(self, service, *, retries=True):
        assert (service, retries) == ("batch", False)
        return self

    def submit_job(self, **request):
        check_submission(request)
        if len(self.requests) == self._most:
            raise KeyboardInterrupt
        self.requests.append(request)
        return {"jobId": f"id-{len(self.requests)}"}


def stack_of(**parameters):
    return Stack("epicat-x", "", "CREATE_COMPLETE", "", {**DEFAULTS, **parameters}, dict(OUTPUTS))


def handed_over(aws, folder, *, days=3, stack=None, strict=False, partition=PARTITION):
    campaign = bare_campaign(Span(MIDNIGHT, MIDNIGHT + days * DAY_NS))
    campaign = campaign.model_copy(update={"bundle": None})
    submission = Submission(str(folder))
    submission.write_campaign(campaign)
    stack = stack or stack_of()
    record = SubmissionRecord.from_plan(stack, campaign, partition, strict=strict)
    planned = bare_campaign(campaign.span)  # with a bundle: it picks
    arrays = plan_job_arrays(planned, partition, LedgerView({}, {}))
    return submission, submit_arrays(BatchTarget(aws, stack), submission, arrays, record)


def test_requests_are_names_and_places(tmp_path):
    aws = Counted()
    submission, record = handed_over(aws, tmp_path)
    first, last = aws.requests[0], aws.requests[-1]
    assert first == {
        "jobName": f"epicat-x-{record.name}-pick-0000",
        "jobQueue": "arn:queue",
        "jobDefinition": "arn:pick:1",
        "dependsOn": [],
        "arrayProperties": {"size": 2},
        "containerOverrides": {
            "command": [
                "work", "--plan", f"{tmp_path}/pick-0000.units", "--workers", "1",
                "--time-limit", "14280",
            ]
        },
        "tags": {
            "epicat:stack": "epicat-x", "epicat:submission": record.name,
            "epicat:array": "pick-0000", "epicat:version": first["tags"]["epicat:version"],
        },
        "propagateTags": True,
    }  # fmt: skip
    # The last window's blocks reach into the day before
    assert last["dependsOn"] == [{"jobId": "id-2"}, {"jobId": "id-4"}]
    assert "arrayProperties" not in last, "a single unit is a plain job"
    assert last["containerOverrides"]["command"][3:5] == ["--workers", "2"]
    assert [(job.name, job.id, job.units, job.keys, job.first) for job in record.jobs[2:4]] == [
        ("associate-0000", "id-3", 1, 4, "2020.002"),
        ("pick-0002", "id-4", 2, 8, "2020.004"),
    ]
    assert json.loads(Path(tmp_path, "jobs.json").read_text())["jobs"][0]["id"] == "id-1"
    assert SubmissionRecord.model_validate_json(submission.jobs()) == record
    assert folder_of(stack_of(), "x") == "s3://bucket/part/submissions/x"


def test_strict_reaches_the_worker_and_names_keep_to_the_rules(tmp_path, monkeypatch):
    monkeypatch.setattr("epicat.pipeline.jobs.job_arrays.MOST_JOBS", 1)
    aws = Counted()
    stack = stack_of(PickVcpu="4", PickTimeout="60")
    _, record = handed_over(aws, tmp_path, days=1, strict=True, stack=stack)
    assert [request["jobName"] for request in aws.requests] == [
        f"epicat-x-{record.name}-{array}"
        for array in ("pick-0000", "pick-0000_1", "associate-0000")
    ]
    assert aws.requests[0]["containerOverrides"]["command"][3:] == [
        "--workers", "4", "--time-limit", "30", "--strict",
    ]  # fmt: skip


class Unreliable(Counted):
    """Batch whose answers get lost, before or after it has accepted the request."""

    pause_s = 0.0

    def __init__(self, *faults: str) -> None:
        super().__init__()
        self._faults = list(faults)

    def submit_job(self, **request):
        fault = self._faults.pop(0) if self._faults else ""
        if fault in ("", "accepted"):
            answer = super().submit_job(**request)
        if fault in ("lost", "accepted"):
            raise ConnectionClosedError(endpoint_url="https://batch")
        if fault.isdigit():
            error = {"Code": "TooManyRequestsException" if fault == "429" else "ServerException"}
            status = {"HTTPStatusCode": int(fault)}
            raise ClientError({"Error": error, "ResponseMetadata": status}, "SubmitJob")
        return answer

    def pages(self, service, call, *, jobQueue, filters):
        (wanted,) = filters[0]["values"]
        yield {
            "jobSummaryList": [
                {"jobId": f"id-{at + 1}", "jobName": request["jobName"]}
                for at, request in enumerate(self.requests)
                if request["jobName"] == wanted and jobQueue == request["jobQueue"]
            ]
        }


@pytest.mark.parametrize("fault", ["lost", "accepted", "429", "500"])
def test_a_lost_answer_submits_no_array_twice(tmp_path, fault):
    aws = Unreliable(fault, fault)
    _, record = handed_over(aws, tmp_path)
    names = [request["jobName"] for request in aws.requests]
    assert len(set(names)) == len(names) == len(record.jobs) > 3
    assert [job.id for job in record.jobs] == [f"id-{at + 1}" for at in range(len(names))]


def test_what_is_wrong_with_a_request_is_said_at_once(tmp_path):
    aws = Unreliable("400")
    with pytest.raises(CloudError, match="ServerException"):
        handed_over(aws, tmp_path)
    assert not aws.requests


@pytest.mark.parametrize("most", [0, 1, 4])
def test_what_was_submitted_before_ctrl_c_is_kept(tmp_path, most):
    aws = Counted(most)
    with pytest.raises(KeyboardInterrupt):
        handed_over(aws, tmp_path)
    kept = SubmissionRecord.model_validate_json(Submission(str(tmp_path)).jobs())
    assert [job.id for job in kept.jobs] == [f"id-{at + 1}" for at in range(most)]


def test_a_unit_is_found_by_name_and_by_key(tmp_path):
    submission, record = handed_over(Counted(), tmp_path)
    for text, found in (
        ("pick-0001:1", ("pick-0001", 1)),
        ("associate-0002", ("associate-0002", 0)),
        ("XX.ST05/2020.003", ("pick-0001", 1)),
        ("2020-01-04T06:00:00.000000Z", ("associate-0002", 0)),
        ("2020-01-04T06:00", ("associate-0002", 0)),
        ("2020.004", ("associate-0002", 0)),
    ):
        job, index = find_unit(submission, record, text)
        assert (job.name, index) == found
        assert job.stage == (Stage.PICK if "pick" in job.name else Stage.ASSOCIATE)
    for text, words in (
        ("pick-0001", "pick-0001 has 2 units: give one of pick-0001:0 to pick-0001:1"),
        ("pick-0001:2", "pick-0001 has 2 units"),
        ("XX.ST05/2021.003", "no unit 'XX.ST05/2021.003' in submission"),
        ("nothing", "no unit 'nothing'"),
    ):
        with pytest.raises(InputError, match=words):
            find_unit(submission, record, text)


def test_workers_must_reach_store_and_archive():
    stack = stack_of()
    with pytest.raises(InputError, match="'ncedc' is a local folder"):
        check_archive("ncedc")
    check_archive("s3://ncedc-pds")
    check_store("s3://bucket/part/store", stack)
    for store in ("catalog", "s3://bucket/store", "s3://bucket/partly", "s3://other/part/store"):
        with pytest.raises(InputError, match="may write only below s3://bucket/part/"):
            check_store(store, stack)
    for store in ("s3://bucket/part", "s3://bucket/part/models/", "s3://bucket/part/submissions/x"):
        with pytest.raises(InputError, match="is reserved"):
            check_store(store, stack)
    assert results_of(stack, None) == "s3://bucket/part/store"
    assert results_of(stack, "exercise") == "s3://bucket/part/exercise"
    for name in ("", "../x", "a/b", ".x"):
        with pytest.raises(InputError, match="--collection"):
            results_of(stack, name)
    database = "mongodb+srv://ana@cluster/tutorial"
    with pytest.raises(InputError, match="do not have the address of the database"):
        check_store(f"{database}#env:EPICAT_STORE", stack)
    for without in ("mongodb://db.example.net:27017/tutorial", "mongodb://db/x?tls=true"):
        check_store(without, stack)
        check_address(without)
    with pytest.raises(InputError, match="do not have the address of the database"):
        check_store("mongodb://ana@db/x", stack)
    stack.outputs["StoreSecret"] = "arn:secret"
    check_store(f"{database}#env:EPICAT_STORE", stack)
    check_address(f"{database}#env:EPICAT_STORE")
    check_address("s3://bucket/part/store")
    with pytest.raises(InputError, match="set it here as well"):
        check_address(f"{database}#file:/home/ana/store")
    with pytest.raises(InputError, match="set it here as well"):
        check_address("mongodb://ana@db/x")


def test_a_stack_that_is_not_there_or_holds_nothing(bed, epicat, role):
    for command in (["retry"], ["cancel", "--yes"], ["cost"], ["logs", "x"], ["status", "--watch"]):
        told = epicat(*command, "--name", "nobody")
        assert told.code == 2
        assert (
            "there is no stack epicat-nobody in us-west-2: create it with `epicat cloud up`"
            in told.err
        )
    given = ("--name", "empty", "--image", "x:1", "--service-role", role)
    assert epicat("cloud", "up", *given).code == 0
    for command in (["retry"], ["status"], ["logs", "x"]):
        told = epicat(*command, "--name", "empty")
        assert told.code == 2
        assert "nothing was submitted to epicat-empty; use `epicat submit`" in told.err
    mixed = epicat("status", "--watch", "--store", "catalog")
    assert mixed.code == 2
    assert "cannot be combined with --name, --folder or --watch" in mixed.err
    span = ("2020-01-01", "2020-01-03", "-40.3,-39.7,174.6,175.4", "--name", "empty")
    for more, words in (
        (("--archive", "folder", "--layout", "sds"), "'folder' is a local folder"),
        (("--archive", "scedc", "--store", "catalog"), "omit --store"),
    ):
        told = epicat("submit", *span, "--stations", "x.csv", *more)
        assert told.code == 2
        assert words in told.err
    assert epicat("cloud", "down", "--name", "empty", "--yes", "--delete-data").code == 0


def test_a_request_that_aws_would_refuse_is_not_sent(tmp_path):
    aws = Counted()
    stack = stack_of()
    stack.outputs["Place"] = "s3://bucket/"
    with pytest.raises(InputError, match="1 to 128 letters"):
        handed_over(aws, tmp_path, stack=Stack("x" * 130, "", "", "", stack.parameters, OUTPUTS))
    assert not aws.requests
    assert not issubclass(InputError, CloudError)


def test_the_limits_of_units_are_the_timeouts_of_the_stack():
    stack = stack_of(PickTimeout="7200", AssociateTimeout="100")
    campaign = bare_campaign(Span(MIDNIGHT, MIDNIGHT + DAY_NS))
    record = SubmissionRecord.from_plan(stack, campaign, PARTITION, strict=False)
    destination = AwsDestination(BatchTarget(Counted(), stack), record)
    picking, associating = map(destination.time_limit, (Stage.PICK, Stage.ASSOCIATE))
    assert 3600 < picking.seconds < 7200
    assert associating.seconds < 100
    assert picking.processes == record.pick.processes
    assert "--associate-timeout" in associating.longer
