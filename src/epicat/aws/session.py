"""Sessions with AWS: region, credentials, and clients with retries."""

from __future__ import annotations

import os
from functools import cached_property
from typing import Any, Final

from epicat._version import __version__
from epicat.aws.errors import translated_errors
from epicat.errors import CloudError, InputError

__all__ = ["Aws", "try_call"]

_TRIES: Final = 8


class Aws:
    """A session with AWS in one region.

    boto3 finds the credentials in its usual places.  Throttled requests are retried with backoff
    and an adaptive rate, unless ``AWS_MAX_ATTEMPTS`` or ``AWS_RETRY_MODE`` is set.
    """

    pause_s: float = 3.0
    """Polling interval in seconds."""

    def __init__(
        self, region: str | None = None, profile: str | None = None, endpoint: str | None = None
    ) -> None:
        """Prepare a session; ``endpoint`` is for tests.

        Raises `InputError` without a region, `CloudError` without boto3 or the profile.
        """
        self._session = _session(profile, region)
        self._endpoint = endpoint
        self._clients: dict[tuple[str, bool], Any] = {}
        if not self._session.region_name:
            raise InputError(
                "no region: give --region, or set AWS_REGION or the region of the profile, "
                "preferably to the region of the archive (which --archive shows)"
            )
        self.region: str = self._session.region_name
        """Name of the region."""

    @cached_property
    def account(self) -> str:
        """Account number; the request checks the credentials."""
        with translated_errors("get the account number", self.region):
            return str(self.client("sts").get_caller_identity()["Account"])

    def credential_variables(self) -> dict[str, str]:
        """Return the credentials as environment variables, for clients other than boto3.

        The values are secret and must not be shown.
        """
        with translated_errors("find the credentials", self.region):
            found = self._session.get_credentials()
            if found is None:
                from botocore.exceptions import NoCredentialsError

                raise NoCredentialsError
            keys = found.get_frozen_credentials()
        return {
            "AWS_ACCESS_KEY_ID": keys.access_key,
            "AWS_SECRET_ACCESS_KEY": keys.secret_key,
            "AWS_SESSION_TOKEN": keys.token or "",
            "AWS_REGION": self.region,
            **({"AWS_ENDPOINT_URL": self._endpoint} if self._endpoint else {}),
        }

    def client(self, service: str, *, retries: bool = True) -> Any:
        """Return a boto3 client, the same each time.

        Without ``retries`` a request is sent once: for calls that must not be repeated unseen.
        """
        if (service, retries) not in self._clients:
            from botocore.config import Config

            adaptive = {"mode": "adaptive", "total_max_attempts": _TRIES}
            overruled = {"AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE"} & os.environ.keys()
            config = Config(
                retries=(None if overruled else adaptive) if retries else {"total_max_attempts": 1},
                user_agent_extra=f"epicat/{__version__}",
                connect_timeout=10,
            )
            with translated_errors(f"prepare for {service}", self.region):
                self._clients[service, retries] = self._session.client(
                    service, endpoint_url=self._endpoint, config=config
                )
        return self._clients[service, retries]

    def pages(self, service: str, call: str, **request: Any) -> Any:
        """Return the pages of a listing."""
        return self.client(service).get_paginator(call).paginate(**request)


def try_call(aws: Aws, service: str, call: str, **request: Any) -> dict[str, Any] | None:
    """Return an answer; None where it is denied or the service is missing."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer: dict[str, Any] = getattr(aws.client(service), call)(**request)
    except (BotoCoreError, ClientError):
        return None
    return answer


def _session(profile: str | None, region: str | None) -> Any:
    try:
        import boto3
    except ImportError as error:
        raise CloudError("AWS needs boto3: pip install 'epicat[aws]'") from error
    given = (
        region or os.environ.get("AWS_REGION") or None
    )  # boto3 itself reads AWS_DEFAULT_REGION only
    with translated_errors("find the credentials", given or ""):
        return boto3.Session(profile_name=profile, region_name=given)
