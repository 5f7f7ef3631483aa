"""Warnings before a deployment, against answers of AWS in their documented form."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from epicat.aws.checks import deployment_warnings, usable_vcpus
from epicat.aws.image import check_image
from epicat.aws.template import DEFAULTS
from epicat.errors import InputError

ECR = "123456789012.dkr.ecr.us-west-2.amazonaws.com/epicat"
INDEX = {"manifests": [{"platform": {"architecture": "arm64", "os": "linux"}},
                       {"platform": {"architecture": "unknown", "os": "unknown"}}]}  # fmt: skip
NAT = {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1"}
ENDPOINT = {"DestinationPrefixListId": "pl-1", "GatewayId": "vpce-1"}


class Answers:
    """An account whose services give fixed answers; the others refuse."""

    region = "us-west-2"

    def __init__(self, **answers: dict[str, Any]) -> None:
        self._answers = answers

    def client(self, service: str) -> Any:
        return _Service(self._answers)


class _Service:
    def __init__(self, answers: dict[str, dict[str, Any]]) -> None:
        self._answers = answers

    def __getattr__(self, call: str) -> Any:
        def answer(**request: Any) -> dict[str, Any]:
            if call not in self._answers:
                raise ClientError({"Error": {"Code": "AccessDeniedException"}}, call)
            return self._answers[call]

        return answer


def warnings(aws: Answers, **given: str) -> list[str]:
    parameters = {**DEFAULTS, "Image": f"{ECR}:1", **given}
    return list(deployment_warnings(aws, parameters))  # type: ignore[arg-type]


def image(manifest: dict[str, Any]) -> dict[str, Any]:
    return {"images": [{"imageManifest": json.dumps(manifest)}]}


def routes(*route: dict[str, str], main: bool = False) -> dict[str, Any]:
    association = {"Main": True} if main else {"SubnetId": "subnet-1"}
    return {"RouteTables": [{"Associations": [association], "Routes": list(route)}]}


def test_an_account_that_may_ask_nothing_is_not_warned():
    assert warnings(Answers(), VpcId="vpc-1", Subnets="subnet-1") == []


@pytest.mark.parametrize(("vcpus", "count"), [(16.0, 1), (255.0, 1), (256.0, 0), (4000.0, 0)])
def test_a_quota_below_the_stack_s_limit_is_warned_of(vcpus, count):
    found = warnings(Answers(get_service_quota={"Quota": {"Value": vcpus}}))
    assert len(found) == count
    assert not found or f"may use {vcpus:g} vCPUs of Fargate spot" in found[0]
    assert vcpus != 16 or "picking 1,000 station-days takes at least 10 minutes" in found[0]


def test_an_image_for_another_platform_is_warned_of():
    (found,) = warnings(Answers(batch_get_image=image(INDEX)))
    assert "is built for arm64, jobs run on amd64" in found
    assert "--platform linux/amd64" in found
    assert warnings(Answers(batch_get_image=image(INDEX)), Architecture="ARM64") == []


@pytest.mark.parametrize(("built", "count"), [("arm64", 1), ("amd64", 0), ("", 0)])
def test_a_single_image_is_known_by_its_configuration(built, count):
    """As an ARM Mac pushes it with plain ``docker build``: no index, the platform is in a blob."""
    url = "data:application/json," + json.dumps({"architecture": built})
    answers = Answers(
        batch_get_image=image({"config": {"digest": "sha256:1"}}),
        get_download_url_for_layer={"downloadUrl": url},
    )
    found = warnings(answers)
    assert len(found) == count
    assert not found or "is built for arm64, jobs run on amd64" in found[0]


def test_a_submission_with_an_image_that_cannot_run_is_refused():
    parameters = {**DEFAULTS, "Image": f"{ECR}:1"}
    with pytest.raises(InputError, match="--platform linux/amd64"):
        check_image(Answers(batch_get_image=image(INDEX)), parameters)  # type: ignore[arg-type]
    check_image(Answers(), parameters)  # type: ignore[arg-type]


def test_vcpus_are_bound_by_the_quota_and_by_the_stack():
    for quota, usable in ((6.0, 6.0), (4000.0, 256.0)):
        answers = Answers(get_service_quota={"Quota": {"Value": quota}})
        assert usable_vcpus(answers, DEFAULTS) == usable  # type: ignore[arg-type]
    assert usable_vcpus(Answers(), DEFAULTS) == 256.0  # type: ignore[arg-type]


def test_an_image_that_does_not_exist_is_warned_of():
    missing = {"images": [], "failures": [{"failureReason": "Requested image not found"}]}
    (found,) = warnings(Answers(batch_get_image=missing))
    assert found.endswith("(Requested image not found): push it first")


def test_an_image_of_another_region_is_warned_of():
    elsewhere = ECR.replace("us-west-2", "eu-west-1")
    (found,) = warnings(Answers(), Image=f"{elsewhere}@sha256:{'0' * 64}")
    assert "is in eu-west-1, the stack in us-west-2" in found
    assert "$4.20 per 1,000 starts" in found


@pytest.mark.parametrize("name", ["127.0.0.1:1/x/epicat:1", "epicat:worker", "not/a name"])
def test_images_of_other_registries_are_not_asked_for(name):
    assert warnings(Answers(batch_get_image=image(INDEX)), Image=name) == []


@pytest.mark.parametrize(
    ("answer", "count"),
    [
        (routes(NAT), 1),
        (routes(NAT, main=True), 1),
        (routes(NAT, ENDPOINT), 0),
        (routes({"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}), 0),
    ],
)
def test_a_nat_gateway_without_an_endpoint_for_s3_is_warned_of(answer, count):
    found = warnings(Answers(describe_route_tables=answer), VpcId="vpc-1", Subnets="subnet-1")
    assert len(found) == count
    assert not found or "gateway endpoint for S3" in found[0]
