from __future__ import annotations

import json
import subprocess
import sys

import pytest
import yaml

from awsbed.retries import Ended, is_retried
from epicat.aws import limits
from epicat.aws.template import (
    DEFAULTS,
    bucket_of,
    check,
    repositories_of,
    stack_of,
    template,
)
from epicat.errors import InputError

REGIONS = ["us-east-2", "us-west-2", "ap-southeast-2"]
FULL = {**DEFAULTS, "Image": "epicat:1", "Bucket": "epicat-x"}


class _Loader(yaml.SafeLoader):
    """Reads short forms such as ``!Ref x`` as ``{"Ref": "x"}``."""


def _intrinsic(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {suffix: value}


_Loader.add_multi_constructor("!", _intrinsic)


@pytest.fixture(scope="module")
def parsed():
    return yaml.load(template(), _Loader)


def of_type(parsed, kind):
    return {n: r for n, r in parsed["Resources"].items() if r["Type"] == f"AWS::{kind}"}


def test_it_is_clean_by_cfn_lint(tmp_path):
    place = tmp_path / "stack.yaml"
    place.write_text(template())
    done = subprocess.run(
        [sys.executable, "-c", "from cfnlint.runner import main; main()", "--format", "json",
         "--include-checks", "I", "--regions", *REGIONS, "--", str(place)],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout) == []


def test_cloudformation_takes_it_in_one_piece():
    assert len(template().encode()) <= 51_200


def test_the_defaults_are_the_template_s_own(parsed):
    own = {n: str(p["Default"]) for n, p in parsed["Parameters"].items() if "Default" in p}
    assert own == DEFAULTS
    assert set(parsed["Parameters"]) - set(own) == {"Image", "Bucket"}
    check(FULL)


def test_no_parameter_holds_a_secret(parsed):
    assert not any("NoEcho" in parameter for parameter in parsed["Parameters"].values())
    secret = parsed["Resources"]["Secret"]["Properties"]
    assert not {"SecretString", "GenerateSecretString"} & set(secret)


def statements(parsed):
    for name, role in of_type(parsed, "IAM::Role").items():
        for policy in role["Properties"].get("Policies", []):
            yield from ((name, s) for s in policy["PolicyDocument"]["Statement"])
    for name, policy in of_type(parsed, "IAM::Policy").items():
        yield from ((name, s) for s in policy["Properties"]["PolicyDocument"]["Statement"])


def test_rights_are_the_least(parsed):
    """Each right is named, and has a resource; the token for ECR is the one that cannot."""
    open_to_all = []
    for name, statement in statements(parsed):
        actions = statement["Action"]
        actions = [actions] if isinstance(actions, str) else actions
        assert not any("*" in action for action in actions), name
        if statement["Resource"] == "*":
            open_to_all += actions
    assert open_to_all == ["ecr:GetAuthorizationToken"]


def test_workers_have_the_campaign_s_part_of_the_bucket_and_nothing_else(parsed):
    found = [s for name, s in statements(parsed) if name == "TaskRole"]
    assert [s["Resource"]["Sub"] for s in found] == [
        "arn:${AWS::Partition}:s3:::${Bucket}/${Prefix}*",
        "arn:${AWS::Partition}:s3:::${Bucket}/${Prefix}*/journal/*",
        "arn:${AWS::Partition}:s3:::${Bucket}",
    ]
    assert "s3:DeleteObject" not in found[0]["Action"]
    assert found[1]["Action"] == "s3:DeleteObject"
    assert found[2]["Condition"] == {"StringLike": {"s3:prefix": {"Sub": "${Prefix}*"}}}
    assert of_type(parsed, "IAM::Policy")["SecretPolicy"]["Properties"]["Roles"] == [
        {"Ref": "ExecutionRole"}
    ]


def test_roles_have_no_names_of_their_own(parsed):
    """Then CAPABILITY_IAM is enough, and nothing replaces another stack's role."""
    for role in of_type(parsed, "IAM::Role").values():
        assert "RoleName" not in role["Properties"]


def test_what_is_kept_and_what_is_not(parsed):
    policies = {n: r.get("DeletionPolicy") for n, r in parsed["Resources"].items()}
    assert {n for n, p in policies.items() if p == "Retain"} == {"CampaignBucket", "TlsOnly"}
    assert policies["Secret"] == policies["Logs"] == "Delete"


def test_the_bucket_is_private(parsed):
    bucket = parsed["Resources"]["CampaignBucket"]["Properties"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    uploads, versions = bucket["LifecycleConfiguration"]["Rules"]
    assert uploads["AbortIncompleteMultipartUpload"]
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert versions["NoncurrentVersionExpiration"] == {"NoncurrentDays": {"Ref": "NoncurrentDays"}}


def test_jobs_are_what_batch_takes(parsed):
    jobs = of_type(parsed, "Batch::JobDefinition")
    assert set(jobs) == {"PickJob", "AssociateJob"}
    for name, job in jobs.items():
        properties = job["Properties"]
        assert properties["PlatformCapabilities"] == ["FARGATE"], name
        assert properties["Timeout"], name
        rules = properties["RetryStrategy"]["EvaluateOnExit"]
        limits.check_exit_rules([{k[0].lower() + k[1:]: v for k, v in r.items()} for r in rules])
        container = properties["ContainerProperties"]
        assert container["Command"] == ["work", "--plan", "Ref::plan"], name
        assert container["LogConfiguration"]["LogDriver"] == "awslogs", name
    assert tuple(parsed["Parameters"]["LogDays"]["AllowedValues"]) == limits.LOG_DAYS


EXITED, SPOT = "Essential container in task exited", "Your Spot Task was interrupted."
PULL = "CannotPullContainerError"
NO_NETWORK = "Timeout waiting for network interface provisioning to complete."
ENDS = {
    "it asks for another try": (Ended(75, EXITED), True),
    "Spot took it back in time": (Ended(75, SPOT), True),
    "Spot killed it": (Ended(137, SPOT), True),
    "it never had a network": (Ended(None, NO_NETWORK), True),
    "its image came too slowly": (
        Ended(None, "Task failed to start", f"{PULL}: ref pull has been retried 5 time(s): "
              "failed to copy: httpReadSeeker: failed open: 429 Too Many Requests"),
        True,
    ),
    "its image is throttled": (
        Ended(None, "Task failed to start", f"{PULL}: inspect image has been retried 5 time(s): "
              "httpReaderSeeker: failed open: 429 Too Many Requests - toomanyrequests"), True,
    ),
    "its image does not exist": (
        Ended(None, "Task failed to start", f"{PULL}: pull image manifest has been retried 7 "
              "time(s): failed to resolve ref 1.dkr.ecr.us-west-2.amazonaws.com/x:1: not found"),
        False,
    ),
    "its image has no such platform": (
        Ended(None, "Task failed to start", f"{PULL}: pull image manifest has been retried 7 "
              "time(s): image Manifest does not contain descriptor matching platform "
              "'linux/amd64'"), False,
    ),
    "its image has no such platform, as newer hosts say it": (
        Ended(None, "Task failed to start", f"{PULL}: image Manifest does not contain descriptor "
              "matching platform 'linux/amd64'"), False,
    ),
    "it never had its secret": (
        Ended(None, "ResourceInitializationError: unable to pull secrets or registry auth"), True,
    ),
    "it failed": (Ended(1, EXITED), False),
    "it was given nonsense": (Ended(2, EXITED), False),
    "it has no program": (Ended(127, EXITED), False),
    "all of it was killed": (Ended(137, EXITED, "OutOfMemoryError: killed"), False),
}  # fmt: skip


@pytest.mark.parametrize("case", ENDS)
def test_who_never_ran_or_asks_for_it_is_started_again_and_nobody_else(case, parsed):
    ended, is_again = ENDS[case]
    for name in ("PickJob", "AssociateJob"):
        rules = parsed["Resources"][name]["Properties"]["RetryStrategy"]["EvaluateOnExit"]
        lower = [{k[0].lower() + k[1:]: v for k, v in rule.items()} for rule in rules]
        assert is_retried({"attempts": 10, "evaluateOnExit": lower}, 1, ended) == is_again, name


def reached(parsed, name, seen=None):
    """Return the resources that must exist before one, by references and DependsOn."""
    seen = set() if seen is None else seen
    text = json.dumps(parsed["Resources"][name])
    depends = parsed["Resources"][name].get("DependsOn", [])
    found = {depends} if isinstance(depends, str) else set(depends)
    found |= {other for other in parsed["Resources"] if f'"Ref": "{other}"' in text}
    for other in found - seen - {name}:
        seen.add(other)
        reached(parsed, other, seen)
    return seen


def test_the_network_goes_after_the_jobs(parsed):
    """A gateway cannot be detached while jobs have addresses: it is deleted after environments."""
    for name in of_type(parsed, "Batch::ComputeEnvironment"):
        assert reached(parsed, name) >= {
            "GatewayAttachment", "RouteOut", "S3Endpoint", "SubnetARoutes", "SubnetBRoutes",
        }  # fmt: skip


def test_rules_that_a_reviewer_of_accounts_asks_for(parsed):
    """The rules of AWS Foundational Security Best Practices that concern these resources."""
    for role in of_type(parsed, "IAM::Role").values():
        properties = role["Properties"]
        assert properties["PermissionsBoundary"]["If"][0] == "HasBoundary"
        (trust,) = properties["AssumeRolePolicyDocument"]["Statement"]
        assert {"StringEquals", "ArnLike"} <= set(trust["Condition"]), "no confused deputy"
        assert "ManagedPolicyArns" not in properties
    for job in of_type(parsed, "Batch::JobDefinition").values():
        container = job["Properties"]["ContainerProperties"]
        assert container["ReadonlyRootFilesystem"] == {"If": ["IsReadOnly", True, False]}  # ECS.5
        assert "Privileged" not in container  # ECS.4
        assert {v["Name"] for v in container["Environment"]} == {"EPICAT_TRIES"}  # ECS.8
        assert container["LogConfiguration"]["LogDriver"] == "awslogs"  # ECS.9
        assert container["FargatePlatformConfiguration"]["PlatformVersion"] == "LATEST"  # ECS.10
        assert container["JobRoleArn"] != container["ExecutionRoleArn"]
    (logs,) = of_type(parsed, "Logs::LogGroup").values()
    assert logs["Properties"]["RetentionInDays"]  # CloudWatch.16
    (policy,) = of_type(parsed, "S3::BucketPolicy").values()
    (deny,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert (deny["Effect"], deny["Principal"], deny["Action"]) == ("Deny", "*", "s3:*")  # S3.5
    for subnet in of_type(parsed, "EC2::Subnet").values():
        assert "MapPublicIpOnLaunch" not in subnet["Properties"]  # EC2.15
    group = parsed["Resources"]["JobSecurityGroup"]["Properties"]
    assert all(rule["Description"] for rule in group["SecurityGroupEgress"])


def test_nothing_comes_in(parsed):
    group = parsed["Resources"]["JobSecurityGroup"]["Properties"]
    assert "SecurityGroupIngress" not in group


BAD = {
    "no image": ({"Image": ""}, "--image"),
    "a size of picking": ({"PickVcpu": "1", "PickMemory": "1024"}, "1024 MiB with 1 vCPU"),
    "a size of associating": ({"AssociateMemory": "2048"}, "2048 MiB with 2 vCPU"),
    "a small disk": ({"Storage": "10"}, "10 GiB"),
    "no attempt": ({"Attempts": "0"}, "0 attempts"),
    "too many tries": ({"Tries": "11"}, "11 attempts"),
    "a time for logs that there is not": ({"LogDays": "29"}, "--log-days 29: .* 545 or 731 days"),
    "no time": ({"PickTimeout": "30"}, "30 s"),
    "less than a job": ({"MaxVcpus": "1"}, "--max-vcpus 1: a single job needs 2"),
    "a VPC alone": ({"VpcId": "vpc-1"}, "--subnets"),
    "subnets alone": ({"Subnets": "subnet-1"}, "--vpc"),
    "a group alone": ({"SecurityGroup": "sg-1"}, "--security-group"),
    "a bucket that is none": ({"Bucket": "No_Bucket"}, "'No_Bucket'"),
    "a folder that is none": ({"Prefix": "a b/"}, "'a b/'"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_parameters_are_refused_before_aws_sees_them(case):
    more, words = BAD[case]
    with pytest.raises(InputError, match=words):
        check(FULL | more)


def test_names_leave_room_for_what_is_made_of_them():
    longest = "a" * 24
    assert len(bucket_of(longest, "123456789012", "ap-southeast-2")) <= 63
    limits.check_name(f"{stack_of(longest)}-on-demand", "queue")
    for name in ("", "A", "1a", "a-", "a_b", "a" * 25):
        with pytest.raises(InputError, match="--name"):
            stack_of(name)


def test_only_private_repositories_need_a_right():
    ecr = "123456789012.dkr.ecr.us-west-2.amazonaws.com/lab/epicat"
    arn = "arn:aws:ecr:us-west-2:123456789012:repository/lab/epicat"
    assert repositories_of(f"{ecr}:1.0") == arn
    assert repositories_of(f"{ecr}@sha256:ab", f"{ecr}:2", f"{ecr}-compile:2") == (
        f"{arn},{arn}-compile"
    )
    assert repositories_of("ghcr.io/epicat/epicat:1", "public.ecr.aws/x/epicat:1", "") == ""
    china = "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/epicat:1"
    assert repositories_of(china).startswith("arn:aws-cn:ecr:cn-north-1:")
