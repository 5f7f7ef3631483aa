"""A stack's life by the commands themselves, on moto's CloudFormation, Batch, EC2, IAM, S3, ..."""

from __future__ import annotations

import ast
import io
import json

import pytest

from awsbed.gaps import POLICIES

URI = "mongodb+srv://epicat:hunter2@cluster0.example.net/epicat"
ECR = "123456789012.dkr.ecr.us-west-2.amazonaws.com/epicat"


def queues_of(bed):
    return {q["jobQueueName"] for q in bed.client("batch").describe_job_queues()["jobQueues"]}


def test_up_twice_changed_looked_at_and_down(bed, epicat, role, monkeypatch):
    """One stack's whole life; its password crosses once, and to Secrets Manager alone."""
    monkeypatch.setenv("MY_STORE", URI)
    up = ("cloud", "up", "--name", "life", "--json")
    first = epicat(*up, "--image", f"{ECR}:1", "--service-role", role, "--store", "env:MY_STORE")
    assert first.code == 0, first.err
    made = first.json
    assert (made["stack"], made["change"]) == ("epicat-life", "created")
    assert made["region"] == "us-west-2"
    assert made["outputs"]["Place"] == "s3://epicat-life-123456789012-us-west-2/"
    assert made["outputs"]["Queue"].endswith("job-queue/epicat-life-spot")
    assert made["outputs"]["OtherQueue"].endswith("job-queue/epicat-life-on-demand")
    check_bucket(bed, "epicat-life-123456789012-us-west-2")
    check_secret(bed, made["outputs"]["StoreSecret"])
    check_jobs(bed, made["outputs"])
    check_rights(bed, made["outputs"])

    again = epicat(*up)
    assert (again.code, again.json["change"]) == (0, "unchanged")
    assert "no changes" in again.err

    changed = epicat(*up, "--max-vcpus", "512", "--on-demand")
    assert changed.json["change"] == "updated", changed.err
    assert changed.json["outputs"]["Queue"].endswith("-on-demand")
    assert changed.json["outputs"]["StoreSecret"] == made["outputs"]["StoreSecret"]
    environments = bed.client("batch").describe_compute_environments()["computeEnvironments"]
    assert [
        e["computeResources"]["maxvCpus"]
        for e in environments
        if "epicat-life" in e["computeEnvironmentName"]
    ] == [512, 512]

    status = epicat("cloud", "status", "--name", "life", "--json").json
    assert status["status"] == "UPDATE_COMPLETE"
    assert status["jobs"] == 0
    assert status["parameters"]["MaxVcpus"] == "512"
    assert status["parameters"]["Image"] == f"{ECR}:1"

    bed.client("s3").put_object(Bucket=status["outputs"]["Bucket"], Key="picks", Body=b"x" * 1000)
    refused = epicat("cloud", "down", "--name", "life")
    assert refused.code == 2
    assert "SpotQueue (Batch::JobQueue)" in refused.err
    assert (
        "the data will be kept in s3://epicat-life-123456789012-us-west-2: 1 objects" in refused.err
    )
    assert "--yes" in refused.err
    assert "epicat-life-spot" in queues_of(bed)

    down = epicat("cloud", "down", "--name", "life", "--yes", "--json")
    assert down.json == {
        "stack": "epicat-life", "region": "us-west-2",
        "kept": "epicat-life-123456789012-us-west-2", "change": "deleted",
    }  # fmt: skip
    nothing_is_left(bed, "epicat-life")
    assert [r.action for r in bed.asked if r.holds("hunter2")] == ["PutSecretValue"]
    assert not any(request.holds("MY_STORE") for request in bed.asked)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_person_is_asked(bed, epicat, role, monkeypatch):
    epicat("cloud", "up", "--name", "asked", "--image", "epicat:1", "--service-role", role)
    for said, is_gone in (("\n", False), ("n\n", False), ("y\n", True)):
        monkeypatch.setattr("sys.stdin", Terminal(said))
        told = epicat("cloud", "down", "--name", "asked", "--delete-data")
        assert told.code == (0 if is_gone else 1)
        assert "delete this? [y/N]" in told.err
        assert told.out == ""
        assert ("epicat-asked-spot" in queues_of(bed)) is not is_gone


def check_bucket(bed, name):
    s3 = bed.client("s3")
    rules = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    tls = POLICIES[name]["Statement"][0]
    assert (tls["Effect"], tls["Condition"]) == (
        "Deny", {"Bool": {"aws:SecureTransport": "false"}},
    )  # fmt: skip


def check_secret(bed, arn):
    value = bed.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
    assert value == URI


def check_jobs(bed, outputs):
    arns = [outputs["PickJob"], outputs["AssociateJob"]]
    found = bed.client("batch").describe_job_definitions(jobDefinitions=arns)["jobDefinitions"]
    assert len(found) == 2
    for job in found:
        container = job["containerProperties"]
        assert container["secrets"] == [
            {"name": "EPICAT_STORE", "valueFrom": outputs["StoreSecret"]}
        ]
        assert container["environment"] == [{"name": "EPICAT_TRIES", "value": "3"}]
        assert job["retryStrategy"]["attempts"] == 10
        assert "hunter2" not in json.dumps(job)


def check_rights(bed, outputs):
    """Compare the policies as they were made, with all names filled in."""
    iam = bed.client("iam")
    found = {}
    for role in iam.list_roles()["Roles"]:
        name = role["RoleName"]
        if name.startswith("epicat-life-"):
            for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
                found[policy] = rights_of(iam, name, policy)
    bucket = "arn:aws:s3:::epicat-life-123456789012-us-west-2"
    assert set(found) == {"campaign", "logs", "image", "store-secret"}
    assert [s["Resource"] for s in found["campaign"]] == [
        f"{bucket}/*", f"{bucket}/*/journal/*", bucket,
    ]  # fmt: skip
    assert found["store-secret"][0]["Resource"] == outputs["StoreSecret"]
    assert found["store-secret"][0]["Action"] == "secretsmanager:GetSecretValue"
    assert found["logs"][0]["Resource"] == (
        "arn:aws:logs:us-west-2:123456789012:log-group:/epicat-life:log-stream:*"
    )
    assert found["image"][1]["Resource"] == ["arn:aws:ecr:us-west-2:123456789012:repository/epicat"]


def rights_of(iam, role, policy):
    found = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    # What moto's CloudFormation was given as a mapping comes back as Python writes it
    return (ast.literal_eval(found) if isinstance(found, str) else found)["Statement"]


def nothing_is_left(bed, stack):
    assert not any(name.startswith(stack) for name in queues_of(bed))
    batch = bed.client("batch")
    environments = batch.describe_compute_environments()["computeEnvironments"]
    assert not any(stack in e["computeEnvironmentName"] for e in environments)
    definitions = batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"]
    assert not any(d["jobDefinitionName"].startswith(stack) for d in definitions)
    assert not bed.client("logs").describe_log_groups(logGroupNamePrefix=f"/{stack}")["logGroups"]
    secrets = bed.client("secretsmanager").list_secrets(IncludePlannedDeletion=True)
    assert not any(s["Name"].startswith(stack) for s in secrets["SecretList"])
    assert not any(r["RoleName"].startswith(stack) for r in bed.client("iam").list_roles()["Roles"])
    named = [{"Name": "tag:Name", "Values": [stack]}]
    assert not bed.client("ec2").describe_vpcs(Filters=named)["Vpcs"]


def test_data_outlive_a_stack_until_told(bed, epicat, role):
    """A bucket that was kept is found again; a versioned one is emptied to the last version."""
    up = ("cloud", "up", "--name", "data", "--image", "epicat:1", "--service-role", role, "--json")
    bucket = epicat(*up).json["outputs"]["Bucket"]
    s3 = bed.client("s3")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"1", b"2"):
        s3.put_object(Bucket=bucket, Key="picks", Body=body)
    s3.put_object(Bucket=bucket, Key="gone", Body=b"")
    s3.delete_object(Bucket=bucket, Key="gone")
    s3.create_multipart_upload(Bucket=bucket, Key="half")

    epicat("cloud", "down", "--name", "data", "--yes")
    kept = epicat("cloud", "down", "--name", "data", "--yes")
    assert kept.code == 0
    assert f"its data remain in bucket {bucket}" in kept.err
    again = epicat(*up)
    assert again.json["outputs"]["Bucket"] == bucket, again.err
    assert s3.get_object(Bucket=bucket, Key="picks")["Body"].read() == b"2"

    down = epicat("cloud", "down", "--name", "data", "--yes", "--delete-data")
    assert down.code == 0, down.err
    assert "the bucket itself and the data in" in down.err
    assert bucket not in {b["Name"] for b in s3.list_buckets()["Buckets"]}
    nothing_is_left(bed, "epicat-data")


def test_a_bucket_and_a_network_of_one_s_own(bed, epicat, role):
    """A shared bucket loses the campaign's folder only, and the network stays as it was."""
    s3, ec2 = bed.client("s3"), bed.client("ec2")
    s3.create_bucket(
        Bucket="shared-bucket", CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
    )
    s3.put_object(Bucket="shared-bucket", Key="other/x", Body=b"")
    s3.put_object(Bucket="shared-bucket", Key="my/campaign/x", Body=b"")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    ids = [subnet["SubnetId"] for subnet in subnets[:2]]
    before = len(ec2.describe_vpcs()["Vpcs"])
    told = epicat(
        "cloud", "up", "--name", "own", "--image", "epicat:1", "--service-role", role, "--json",
        "--bucket", "shared-bucket", "--prefix", "/my/campaign", "--vpc", vpc,
        "--subnets", ",".join(ids), "--no-public-ip",
    )  # fmt: skip
    assert told.json["outputs"]["Place"] == "s3://shared-bucket/my/campaign/", told.err
    assert len(ec2.describe_vpcs()["Vpcs"]) == before
    environments = bed.client("batch").describe_compute_environments()["computeEnvironments"]
    assert [
        e["computeResources"]["subnets"]
        for e in environments
        if "epicat-own" in e["computeEnvironmentName"]
    ] == [ids, ids]
    job = bed.client("batch").describe_job_definitions(
        jobDefinitions=[told.json["outputs"]["PickJob"]]
    )["jobDefinitions"][0]
    assert job["containerProperties"]["networkConfiguration"] == {"assignPublicIp": "DISABLED"}
    iam = bed.client("iam")
    (name,) = [
        r["RoleName"] for r in iam.list_roles()["Roles"] if "epicat-own-TaskRole" in r["RoleName"]
    ]
    rights = rights_of(iam, name, "campaign")
    assert rights[0]["Resource"] == "arn:aws:s3:::shared-bucket/my/campaign/*"
    assert rights[1]["Resource"] == "arn:aws:s3:::shared-bucket/my/campaign/*/journal/*"
    assert rights[1]["Action"] == "s3:DeleteObject"
    assert rights[2]["Condition"]["StringLike"] == {"s3:prefix": "my/campaign/*"}

    down = epicat("cloud", "down", "--name", "own", "--yes", "--delete-data")
    assert down.code == 0, down.err
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket="shared-bucket")["Contents"]]
    assert keys == ["other/x"]
    nothing_is_left(bed, "epicat-own")


def test_a_foreign_bucket_without_a_folder_is_not_emptied(bed, epicat, role):
    s3 = bed.client("s3")
    s3.create_bucket(
        Bucket="foreign-bucket", CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
    )
    s3.put_object(Bucket="foreign-bucket", Key="x", Body=b"")
    epicat(
        "cloud", "up", "--name", "foreign", "--image", "epicat:1", "--service-role", role,
        "--bucket", "foreign-bucket",
    )  # fmt: skip
    refused = epicat("cloud", "down", "--name", "foreign", "--yes", "--delete-data")
    assert refused.code == 2
    assert "foreign-bucket was not created by epicat-foreign" in refused.err
    assert epicat("cloud", "down", "--name", "foreign", "--yes").code == 0
    assert s3.list_objects_v2(Bucket="foreign-bucket")["KeyCount"] == 1


def test_a_stack_that_fails_says_why_and_can_be_made_again(bed, epicat, role):
    up = ("cloud", "up", "--name", "fails", "--image", "epicat:1", "--service-role")
    failed = epicat(*up, role.replace("batch", "nobody"))
    assert failed.code == 1
    assert "could not be created or updated (ROLLBACK_COMPLETE)" in failed.err
    assert "Could not find IAM role" in failed.err
    made = epicat(*up, role)
    assert made.code == 0, made.err
    assert "removing the rest of a stack that could not be created" in made.err
    epicat("cloud", "down", "--name", "fails", "--yes", "--delete-data")


def test_two_regions_and_a_warning(epicat, bed, role):
    told = epicat(
        "cloud", "up", "--name", "far", "--image", "epicat:1", "--service-role", role,
        "--region", "us-east-2", "--archive", "scedc", "--json",
    )  # fmt: skip
    assert told.json["region"] == "us-east-2"
    assert "scedc is in us-west-2, the stack in us-east-2" in told.err
    assert "$0.02" in told.err
    elsewhere = epicat("cloud", "status", "--name", "far")
    assert elsewhere.code == 1
    assert "no stack epicat-far in us-west-2" in elsewhere.err
    epicat("cloud", "down", "--name", "far", "--region", "us-east-2", "--yes", "--delete-data")


BAD = {
    "no image": ([], "--image is missing"),
    "a size that there is not": (["--image", "x", "--memory", "1024"], "1024 MiB with 1 vCPU"),
    "an address on the command line": (["--image", "x", "--store", URI], "env:NAME or file:PATH"),
    "an archive that is none": (["--image", "x", "--archive", "ncdec"], "did you mean ncedc"),
    "a name that is none": (["--name", "No"], "--name 'No'"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_is_refused_before_aws_is_asked_to_make_it(case, bed, epicat):
    options, words = BAD[case]
    told = epicat("cloud", "up", "--name", "bad", *options)
    assert told.code == 2
    assert words in " ".join(told.err.split())
    assert "hunter2" not in told.err
    assert not any("CreateChangeSet" in request.action for request in bed.asked)


def test_the_template_is_printed(epicat):
    assert epicat("cloud", "template").out.startswith("AWSTemplateFormatVersion")
