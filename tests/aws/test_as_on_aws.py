"""What AWS refuses or does late, and how the commands cope: each test fails without that."""

from __future__ import annotations

import sys

import pytest

from awsbed import Image
from awsbed.gaps.refusals import LINGERS

KEY = "arn:aws:kms:us-west-2:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
WORKER = """
import signal, sys, time
from pathlib import Path
signal.signal(signal.SIGTERM, signal.SIG_IGN)  # ends when the container is killed
Path("running").touch()
while not Path("go").exists():
    time.sleep(0.01)
"""


@pytest.fixture
def working(bed, epicat, role, tmp_path):
    """Give a function that makes a stack and a running job; returns the outputs and the job."""

    def made(name, *options):
        worker = tmp_path / "worker.py"
        worker.write_text(WORKER)
        image = Image([sys.executable, str(worker)], folder=tmp_path)
        bed.batch.images.update({f"{name}:1": image, f"{name}:2": image})
        up = epicat("cloud", "up", "--name", name, "--image", f"{name}:1", "--service-role", role,
                    *options, "--json")  # fmt: skip
        assert up.code == 0, up.err
        outputs = up.json["outputs"]
        job = submit(bed, outputs, "PickJob")
        bed.batch.until((tmp_path / "running").exists)
        return outputs, job

    return made


def submit(bed, outputs, definition):
    told = bed.client("batch").submit_job(
        jobName="x", jobQueue=outputs["Queue"], jobDefinition=outputs[definition]
    )
    return told["jobId"]


def environments(bed, name):
    found = bed.client("batch").describe_compute_environments()["computeEnvironments"]
    return {e["computeEnvironmentArn"] for e in found if name in e["computeEnvironmentName"]}


def test_an_upgrade_leaves_running_jobs_and_begun_submissions_alone(
    bed, epicat, working, monkeypatch, tmp_path
):
    outputs, job = working("upgrade")
    before = environments(bed, "epicat-upgrade")
    for module in ("deploy", "submit", "session"):
        monkeypatch.setattr(f"epicat.aws.{module}.__version__", "99.0", raising=False)
    up = epicat("cloud", "up", "--name", "upgrade", "--image", "upgrade:2", "--json")
    assert up.code == 0, up.err
    assert up.json["change"] == "updated"
    assert up.json["outputs"]["PickJob"] != outputs["PickJob"]
    assert environments(bed, "epicat-upgrade") == before
    late = submit(bed, outputs, "AssociateJob")  # of a submission that began before
    (tmp_path / "go").touch()
    bed.batch.until(lambda: all(bed.batch.jobs[j].is_over for j in (job, late)))
    assert {bed.batch.jobs[j].status for j in (job, late)} == {"SUCCEEDED"}
    assert epicat("cloud", "down", "--name", "upgrade", "--yes", "--delete-data").code == 0


def test_down_waits_for_jobs_that_take_their_time(bed, epicat, working, monkeypatch):
    monkeypatch.setenv("MY_STORE", "mongodb+srv://epicat:hunter2@cluster0.example.net/epicat")
    monkeypatch.setattr("epicat.aws.session.Aws.pause_s", 0.05)
    _, job = working("slow", "--store", "env:MY_STORE")
    down = epicat("cloud", "down", "--name", "slow", "--yes", "--delete-data")
    assert down.code == 0, down.err
    assert "cancelled: 1 jobs or arrays" in down.err
    assert bed.batch.jobs[job].status == "FAILED"
    described = [r for r in bed.asked if r.action == "DescribeSecret"]
    assert len(described) > LINGERS, "it looks until the secret is gone"


def test_a_bucket_of_another_region_is_refused(bed, epicat, role):
    bed.client("s3", "eu-west-1").create_bucket(
        Bucket="far-away", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    told = epicat("cloud", "up", "--name", "region", "--image", "x:1", "--service-role", role,
                  "--bucket", "far-away")  # fmt: skip
    assert told.code == 1
    assert "bucket far-away is in eu-west-1, not in us-west-2" in told.err
    assert not any("CreateChangeSet" in request.action for request in bed.asked)


def test_a_bucket_with_a_customer_key_needs_the_key(bed, epicat, role):
    s3 = bed.client("s3")
    s3.create_bucket(Bucket="locked", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}
    rules = [{"ApplyServerSideEncryptionByDefault": default}]
    s3.put_bucket_encryption(Bucket="locked", ServerSideEncryptionConfiguration={"Rules": rules})
    up = ("cloud", "up", "--name", "keyed", "--image", "x:1", "--service-role", role,
          "--bucket", "locked", "--prefix", "me")  # fmt: skip
    without = epicat(*up)
    assert without.code == 2
    assert f"encrypted with the KMS key {KEY}: give its ARN by --kms-key" in without.err
    other = epicat(*up, "--kms-key", KEY.replace("1234abcd", "00000000"))
    assert other.code == 2
    made = epicat(*up, "--kms-key", KEY)
    assert made.code == 0, made.err
    iam = bed.client("iam")
    (worker,) = [r for r in iam.list_roles()["Roles"] if "epicat-keyed-TaskRole" in r["RoleName"]]
    policy = iam.get_role_policy(RoleName=worker["RoleName"], PolicyName="bucket-key")
    assert KEY in str(policy["PolicyDocument"])
    assert epicat("cloud", "down", "--name", "keyed", "--yes").code == 0


def test_a_first_cluster_gets_its_service_linked_role(bed, epicat, role):
    iam = bed.client("iam")
    for found in iam.list_roles(PathPrefix="/aws-service-role/ecs")["Roles"]:
        iam.delete_role(RoleName=found["RoleName"])
    up = epicat("cloud", "up", "--name", "first", "--image", "x:1", "--service-role", role)
    assert up.code == 0, up.err
    assert iam.list_roles(PathPrefix="/aws-service-role/ecs.amazonaws.com/")["Roles"]
    assert epicat("cloud", "down", "--name", "first", "--yes", "--delete-data").code == 0
