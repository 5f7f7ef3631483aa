"""Translate AWS errors into user-facing messages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from epicat.errors import CloudError

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError

__all__ = ["code_of", "explained", "translated_errors"]

_KEYS = "the access key is invalid, or not for this account or region: renew the credentials"
_EXPIRED = "the credentials have expired: sign in again (aws login, aws sso login, or new keys)"
_BUSY = "AWS throttles the requests, even after several retries: wait a little and try again"
_QUOTA = "a quota of the account is exhausted: delete something, or request more in Service Quotas"
_ROLE = (
    "the account's first cluster needs it: run `aws iam create-service-linked-role "
    "--aws-service-name ecs.amazonaws.com`, wait a minute and try again"
)
_OPT_IN = "this region or service is not enabled for the account: enable it, or use another region"
_FOREIGN: Final = (
    "unexpected (non-AWS) response: check for a proxy or a login page, and the endpoint "
    "(AWS_ENDPOINT_URL, --endpoint); otherwise try again"
)
_BY_CODE: Final = {
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "RequestExpired": _EXPIRED,
    "AuthFailure": _KEYS,
    "InvalidAccessKeyId": _KEYS,
    "InvalidClientTokenId": _KEYS,
    "InvalidSignatureException": _KEYS,
    "SignatureDoesNotMatch": _KEYS,
    "UnrecognizedClientException": _KEYS,
    "OptInRequired": _OPT_IN,
    "SubscriptionRequiredException": _OPT_IN,
    "BandwidthLimitExceeded": _BUSY,
    "RequestLimitExceeded": _BUSY,
    "SlowDown": _BUSY,
    "Throttling": _BUSY,
    "ThrottlingException": _BUSY,
    "TooManyRequestsException": _BUSY,
    "LimitExceeded": _QUOTA,
    "LimitExceededException": _QUOTA,
    "ServiceQuotaExceededException": _QUOTA,
    "TooManyBuckets": _QUOTA,
    "VpcLimitExceeded": _QUOTA,
}
_DENIED = frozenset({
    "403", "AccessDenied", "AccessDeniedException", "Forbidden", "UnauthorizedOperation",
})  # fmt: skip
_ACTION = re.compile(r"not authorized to perform:? ([\w:]+)")
_QUOTA_WORDS = re.compile(r"limit(s)? (has been )?exceeded|maximum number of|quota", re.IGNORECASE)
_UNSAFE = re.compile(r"mongodb(\+srv)?://\S+")


@contextmanager
def translated_errors(doing: str, region: str) -> Iterator[None]:
    """Turn exceptions of boto3 into `CloudError`, with what was being done."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except ClientError as error:
        raise CloudError(f"cannot {doing} in {region}: {_service_message(error)}") from error
    except BotoCoreError as error:
        where = f" in {region}" if region else ""
        raise CloudError(f"cannot {doing}{where}: {_client_message(error)}") from error
    except ResponseParserError as error:  # for example a page of HTML
        raise CloudError(f"cannot {doing} in {region}: {_FOREIGN}") from error


def code_of(error: ClientError) -> str:
    """Return the error code of a response."""
    return str(error.response.get("Error", {}).get("Code", ""))


def explained(reason: str) -> str:
    """Return the reason of a failure, with advice where known."""
    denied = _ACTION.search(reason)
    if denied:
        return (
            f"the credentials lack the permission {denied[1]}: ask the administrator of the account"
        )
    if "service linked role" in reason:
        return f"{_safe(reason)} - {_ROLE}"
    if _QUOTA_WORDS.search(reason):
        return f"{_safe(reason)} - {_QUOTA}"
    return _safe(reason)


def _service_message(error: ClientError) -> str:
    code, message = code_of(error), str(error.response.get("Error", {}).get("Message", ""))
    if code in _DENIED:
        action = _ACTION.search(message)
        right = action[1] if action else error.operation_name
        return f"the credentials lack the permission {right}: ask the administrator of the account"
    return _BY_CODE.get(code) or f"AWS reports {code}: {_safe(message)}"


def _client_message(error: BotoCoreError) -> str:
    from botocore import exceptions as raised

    words: list[tuple[tuple[Any, ...], str]] = [
        (
            (raised.NoCredentialsError, raised.PartialCredentialsError),
            "no credentials: run `aws login`, `aws sso login` or `aws configure`, name a "
            "--profile, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        ),
        ((raised.ProfileNotFound,), f"{error}: `aws configure list-profiles` lists the profiles"),
        (_sign_in_errors(), _EXPIRED),
        (
            (raised.EndpointConnectionError, raised.ConnectTimeoutError),
            "no connection to AWS: check the name of the region and the network",
        ),
        (
            (raised.MissingDependencyException,),
            "credentials of `aws login` need another package: pip install 'boto3[crt]'",
        ),
        ((raised.HTTPClientError,), "the connection to AWS was interrupted: try again"),
    ]
    return next((text for kinds, text in words if isinstance(error, kinds)), _safe(str(error)))


def _sign_in_errors() -> tuple[type[Exception], ...]:
    """Return the errors of expired sessions; `aws login` is newer than the oldest boto3."""
    from botocore import exceptions as raised

    login = getattr(raised, "LoginError", raised.SSOError)
    return raised.SSOError, raised.CredentialRetrievalError, login


def _safe(text: str) -> str:
    """Mask addresses of databases, which AWS may repeat."""
    return _UNSAFE.sub("mongodb://...", text)
