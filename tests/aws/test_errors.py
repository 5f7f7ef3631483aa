"""What AWS and the way there can say, and what a person is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from epicat.aws.errors import explained
from epicat.aws.session import Aws
from epicat.errors import CloudError, InputError
from support import s3

ACCOUNT = (
    "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012</Account>"
    "</GetCallerIdentityResult></GetCallerIdentityResponse>"
)


def answer(code: str, message: str = "...", status: int = 400) -> s3.Answer:
    body = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return status, {"Content-Type": "text/xml"}, f"{body}</ErrorResponse>".encode()


@pytest.fixture
def nobody(bed: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Give a function that takes the environment's credentials away."""

    def take() -> None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)

    return take


def test_no_credentials(nobody, epicat):
    nobody()
    told = epicat("cloud", "status")
    assert told.code == 1
    assert "no credentials: run" in told.err
    assert "aws configure" in told.err


def test_no_region(bed, epicat, monkeypatch):
    monkeypatch.delenv("AWS_REGION")
    told = epicat("cloud", "status")
    assert told.code == 2
    assert "--region" in told.err


def test_an_unknown_profile(bed, epicat):
    told = epicat("cloud", "status", "--profile", "nobody")
    assert told.code == 1
    assert "nobody" in told.err
    assert "list-profiles" in told.err


def test_nobody_answers(bed, epicat):
    told = epicat("cloud", "status", "--endpoint", "http://127.0.0.1:9")
    assert told.code == 1
    assert "no connection to AWS" in told.err


ANSWERS = {
    "ExpiredToken": "have expired",
    "InvalidClientTokenId": "is invalid",
    "Throttling": "throttles the requests",
    "LimitExceeded": "quota",
    "OptInRequired": "enable it",
    "SomethingElse": "AWS reports SomethingElse: ...",
}


@pytest.mark.parametrize("code", ANSWERS)
def test_codes_in_plain_words(code, bed):
    with s3.Faulty(lambda *_: answer(code)).serving() as endpoint:
        aws = Aws(endpoint=endpoint)
        with pytest.raises(CloudError, match=ANSWERS[code]):
            _ = aws.account


def test_a_page_in_between_is_not_taken_for_aws(bed, epicat):
    page = 200, {"Content-Type": "text/html"}, b"<!doctype html><title>Sign in"
    with s3.Faulty(lambda *_: page).serving() as endpoint:
        told = epicat("cloud", "status", "--endpoint", endpoint)
    assert told.code == 1
    assert "check for a proxy or a login page" in told.err
    assert "doctype" not in told.err


def test_a_missing_right_is_named(bed):
    message = (
        "User: arn:aws:iam::1:user/me is not authorized to perform: cloudformation:DescribeStacks "
        "on resource: x"
    )
    with s3.Faulty(lambda *_: answer("AccessDenied", message, 403)).serving() as endpoint:
        aws = Aws(endpoint=endpoint)
        with pytest.raises(CloudError, match="lack the permission cloudformation:DescribeStacks"):
            _ = aws.account


def test_throttled_requests_are_repeated(bed, monkeypatch):
    monkeypatch.delenv("AWS_MAX_ATTEMPTS")
    busy = s3.Faulty(
        lambda count, _: answer("Throttling") if count == 1 else (200, {}, ACCOUNT.encode())
    )
    with busy.serving() as endpoint:
        assert Aws(endpoint=endpoint).account == "123456789012"
    assert len(busy.asked) == 2


def test_a_bucket_of_somebody_else_s(bed, epicat):
    def answers(_: int, line: str) -> s3.Answer:
        if line.startswith("HEAD"):
            return 403, {}, b""
        if line.startswith("POST"):
            return answer("ValidationError", "Stack with id x does not exist")
        return 200, {}, b""

    def first_account(count: int, line: str) -> s3.Answer:
        # CloudFormation is asked first, then STS
        return (200, {}, ACCOUNT.encode()) if count == 2 else answers(count, line)

    with s3.Faulty(first_account).serving() as endpoint:
        told = epicat("cloud", "up", "--image", "x", "--endpoint", endpoint)
    assert told.code == 1
    assert "belongs to another account" in told.err
    assert "--bucket" in told.err


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("The maximum number of VPCs has been reached.", "Service Quotas"),
        ("Resource limit exceeded", "Service Quotas"),
        (
            "User x is not authorized to perform: iam:CreateRole on y",
            "lack the permission iam:CreateRole",
        ),
        ("q already exists", "q already exists"),
    ],
)
def test_reasons_of_failed_parts(reason, words):
    assert words in explained(reason)


def test_an_address_of_a_database_is_never_repeated():
    told = explained("Invalid value mongodb://user:hunter2@host/db given")
    assert told == "Invalid value mongodb://... given"


def test_without_boto3_it_says_what_to_install(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(CloudError, match=r"pip install 'epicat\[aws\]'"):
        Aws("us-west-2")


def test_a_region_is_found_in_the_environment(bed, monkeypatch):
    assert Aws().region == "us-west-2"
    assert Aws("us-east-2").region == "us-east-2"
    monkeypatch.setenv("AWS_REGION", "")
    with pytest.raises(InputError, match="no region"):
        Aws()
    monkeypatch.delenv("AWS_REGION")
    with pytest.raises(InputError, match="no region"):
        Aws()
