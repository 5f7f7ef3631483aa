"""IAM policies against every call of a campaign, and against what CloudFormation itself calls.

Three sets of keys: who runs ``up`` and ``down``, who submits, and the workers.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path

import cfnlint
import pytest
import yaml

from awsbed import Image
from awsbed.actions import action_of
from epicat.aws.policies import POLICIES, policy
from epicat.aws.template import template
from support import s3
from support.network_fixtures import written_network
from support.tiny_network import arguments, truths

SRC = Path(__file__).resolve().parents[2] / "src"
NAME = ("--name", "rights")
DEPLOYER, SUBMITTER, WORKER = "AKIADEPLOYER", "AKIASUBMITTER", "AKIAWORKER"
FREE = {"sts:GetCallerIdentity"}
"""Needs no permission (IAM User Guide)."""
NOT_USED = {
    "associatekmskey", "disassociatekmskey", "setcapacitytags", "describelaunchtemplateversions",
    "authorizesecuritygroupingress", "revokesecuritygroupingress",
    "updatesecuritygroupruledescriptionsegress", "updatesecuritygroupruledescriptionsingress",
    "associatesubnetcidrblock", "disassociatesubnetcidrblock", "modifysubnetattribute",
    "replaceroutetableassociation", "createvpcencryptioncontrol", "modifyvpctenancy",
    "attachvpngateway", "detachvpngateway", "attachrolepolicy", "detachrolepolicy",
    "createlogdelivery", "deletedataprotectionpolicy", "deleteindexpolicy",
    "deleteresourcepolicy", "deleteretentionpolicy", "putbearertokenauthentication",
    "putdataprotectionpolicy", "putindexpolicy", "putloggroupdeletionprotection",
    "putresourcepolicy", "rest.put.object", "getrandompassword", "getsecretvalue",
    "removeregionsfromreplication", "replicatesecrettoregions", "allowmultiregion",
}  # fmt: skip
"""Permissions of CloudFormation's handlers for properties that the template does not have."""
NOT_USED_SERVICES = {"eks", "firehose", "s3tables", "vpc-lattice", "vpce"}
NOT_USED_OF_S3 = {"put", "delete", "create", "update"}
"""Beginnings of permissions for what the bucket does not have: CORS, replication, ..."""
NOT_IN_THIS_CAMPAIGN = {
    "deploy": {
        # Only for images in ECR
        "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer",
        # A change set that a person or an active job refuses
        "cloudformation:DeleteChangeSet",
        # Called in the name of the caller: tags of the stack, Fn::GetAZs
        "cloudformation:TagResource", "ec2:DescribeAvailabilityZones",
        # Unfinished uploads of killed workers
        "s3:AbortMultipartUpload",
    },
    "submit": {
        "ce:GetCostAndUsage", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer",
        # Tags of a job are part of SubmitJob, and need this all the same
        "batch:TagResource",
        # Only after five minutes without a running job
        "batch:DescribeComputeEnvironments", "batch:DescribeJobQueues",
        # Large parts, and `epicat compact`
        "s3:AbortMultipartUpload", "s3:DeleteObject",
    },
}  # fmt: skip


def actions_in(statements) -> set[str]:
    found = set()
    for statement in statements:
        given = statement["Action"]
        found |= {given} if isinstance(given, str) else set(given)
    return found


network = written_network(truths([-300, -1.0, 60.5]))


@pytest.fixture
def used(bed, epicat, role, network, tmp_path, monkeypatch):
    """Run a campaign from `up` to `down`; return the actions by access key."""
    monkeypatch.setattr("epicat.aws.session.Aws.pause_s", 0.05)
    monkeypatch.setenv("MY_STORE", "mongodb+srv://epicat:hunter2@cluster0.example.net/epicat")
    files = {f"sds/{path.relative_to(network / 'sds').as_posix()}": path.read_bytes()
             for path in (network / "sds").rglob("*") if path.is_file()}  # fmt: skip
    s3.Server(bed.endpoint, bed.client("s3", "us-east-1")).make("waveforms-of-all", files)
    variables = {**bed.variables(), "AWS_ACCESS_KEY_ID": WORKER, "PYTHONPATH": str(SRC),
                 "EPICAT_CACHE": str(tmp_path / "cache")}  # fmt: skip
    command = [sys.executable, "-c", "from epicat.cli.app import main; main()"]
    bed.batch.images["epicat:rights"] = Image(command, variables)
    bed.asked.clear()
    run_campaign(bed, epicat, role, network, monkeypatch)
    found: dict[str, set[str]] = {}
    for key, action in filter(None, map(action_of, bed.asked)):
        found.setdefault(key, set()).add(action)
    return found


def run_campaign(bed, epicat, role, network, monkeypatch):
    def succeed(*words):
        told = epicat(*words)
        assert told.code == 0, told.err
        return told

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", DEPLOYER)
    up = ("cloud", "up", *NAME, "--image", "epicat:rights", "--service-role", role)
    succeed(*up, "--store", "env:MY_STORE")
    succeed("cloud", "up", *NAME, "--max-vcpus", "300")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", SUBMITTER)
    words = arguments(network, network / "store")
    words[words.index("--archive") + 1] = "s3://waveforms-of-all/sds"
    at = words.index("--store")
    words = [*words[:at], *words[at + 2 :], *NAME, "--stations-per-unit", "4"]
    succeed("submit", *words)
    succeed("status", *NAME, "--watch", "--interval", 0.2)
    succeed("logs", "pick-0000:0", *NAME)
    succeed("cost", *NAME)
    succeed("retry", *NAME)
    succeed("submit", *words, "--collection", "other")
    succeed("cancel", *NAME, "--yes")
    bed.batch.finish()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", DEPLOYER)
    succeed("cloud", "status", *NAME)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", SUBMITTER)
    succeed("submit", *words, "--collection", "third")  # active when the stack goes
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", DEPLOYER)
    succeed("cloud", "down", *NAME, "--yes", "--delete-data")


def test_nothing_is_missing_and_nothing_is_unused(used):
    for name, key in (("deploy", DEPLOYER), ("submit", SUBMITTER)):
        allowed = actions_in(json.loads(policy(name))["Statement"])
        assert used[key] - FREE - allowed == set(), f"{name} lacks them"
        by_stack = handlers() if name == "deploy" else set()
        needed = {action.lower() for action in used[key] | NOT_IN_THIS_CAMPAIGN[name]} | by_stack
        assert {a for a in allowed if a.lower() not in needed} == set(), f"{name} needs no such"
    document = yaml.load(template(), _Loader)["Resources"]["TaskRole"]["Properties"]["Policies"]
    allowed = actions_in(document[0]["PolicyDocument"]["Statement"])
    assert used[WORKER] <= allowed
    # Large parts only, which this small campaign does not have
    assert allowed - used[WORKER] <= {"s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"}


@cache
def handlers() -> set[str]:
    """Return the permissions that CloudFormation needs for the template's kinds of resources.

    By the schemas of the providers, which cfn-lint has; without those of features not used.
    """
    folder = Path(cfnlint.__file__).parent / "data" / "schemas"
    known = json.loads((folder / "providers" / "us-west-2.json").read_text())
    kinds = {r["Type"] for r in yaml.load(template(), _Loader)["Resources"].values()}
    found = set()
    for kind in kinds:
        schema = json.loads((folder / "resources" / f"{known[kind]}.json").read_text())
        for name, handler in schema["handlers"].items():
            if name != "list":
                found |= {action.lower() for action in handler["permissions"]}
    return found


def test_cloudformation_may_do_what_the_template_needs():
    allowed = {a.lower() for a in actions_in(json.loads(policy("deploy"))["Statement"])}
    missing = handlers() - allowed
    left = set()
    for action in missing:
        service, _, name = action.partition(":")
        is_s3 = service == "s3" and name.startswith(tuple(NOT_USED_OF_S3))
        is_other_principal = service == "iam" and ("group" in name or "user" in name)
        if not (service in NOT_USED_SERVICES or name in NOT_USED or is_s3 or is_other_principal):
            left.add(action)
    assert left == set()


def test_policies_are_bound_to_campaigns():
    for name in POLICIES:
        document = json.loads(policy(name))
        assert len(json.dumps(document, separators=(",", ":"))) <= 6_144, "the most of IAM"
        for statement in document["Statement"]:
            actions = actions_in([statement])
            assert not any("*" in action for action in actions)
            if any(action.startswith(("iam:", "secretsmanager:", "s3:")) for action in actions):
                assert statement["Resource"] != "*", statement["Sid"]
    passing = [s for s in json.loads(policy("deploy"))["Statement"]
               if s["Action"] == "iam:PassRole"]  # fmt: skip
    assert [s["Condition"]["StringEquals"] for s in passing] == [
        {"iam:PassedToService": "ecs-tasks.amazonaws.com"}
    ]


def test_policies_are_printed(epicat):
    assert json.loads(epicat("cloud", "policy", "deploy").out) == json.loads(policy("deploy"))
    wrong = epicat("cloud", "policy", "deplyo")
    assert wrong.code == 2
    assert "did you mean deploy" in wrong.err


class _Loader(yaml.SafeLoader):
    """Reads short forms such as ``!Ref x``."""


def _intrinsic(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        return {suffix: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {suffix: loader.construct_sequence(node, deep=True)}
    return {suffix: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _intrinsic)
