"""Access to a campaign on AWS: its stack, and credentials for its bucket."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from epicat.aws.session import Aws
    from epicat.aws.stack import Stack

__all__ = ["at_stack", "exported_credentials"]


@contextmanager
def at_stack(
    name: str, region: str | None, profile: str | None, endpoint: str | None
) -> Iterator[tuple[Aws, Stack]]:
    """Yield AWS and a campaign's stack, with access to its bucket.

    Raises `InputError` or `CloudError` if there is no such stack or it cannot be used.
    """
    from epicat.aws.preflight import usable_stack
    from epicat.aws.session import Aws

    aws = Aws(region, profile, endpoint)
    stack = usable_stack(aws, name)
    with exported_credentials(aws):
        yield aws, stack


@contextmanager
def exported_credentials(aws: Aws) -> Iterator[None]:
    """Temporarily export boto3's credentials to environment variables.

    Only boto3 knows profiles and single sign-on; what reads and writes buckets uses the
    variables.  They are restored afterwards, and never printed or written.
    """
    variables = aws.credential_variables()
    before = {name: os.environ.get(name) for name in variables}
    _set_variables(variables)
    try:
        yield
    finally:
        _set_variables(before)


def _set_variables(variables: dict[str, str] | dict[str, str | None]) -> None:
    for name, value in variables.items():
        if value:
            os.environ[name] = value
        else:
            os.environ.pop(name, None)
