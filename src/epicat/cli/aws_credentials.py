"""The way to a campaign on AWS: its stack, and credentials for what reads its bucket."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from epicat.aws.session import Aws
    from epicat.aws.stack import Stack

__all__ = ["at_stack", "lent"]


@contextmanager
def at_stack(
    name: str, region: str | None, profile: str | None, endpoint: str | None
) -> Iterator[tuple[Aws, Stack]]:
    """Give AWS and a campaign's stack, while its bucket can be read and written from here.

    Raises `InputError` or `CloudError` if there is no such stack or it cannot be used.
    """
    from epicat.aws.preflight import usable_stack
    from epicat.aws.session import Aws

    aws = Aws(region, profile, endpoint)
    stack = usable_stack(aws, name)
    with lent(aws):
        yield aws, stack


@contextmanager
def lent(aws: Aws) -> Iterator[None]:
    """Lend what AWS's own client found to this process's environment.

    Profiles and sign-ons are known to AWS's client alone; what reads and writes buckets looks at
    the variables.  They are what they were afterwards, and nothing of them is shown or written.
    """
    variables = aws.lendable()
    before = {name: os.environ.get(name) for name in variables}
    _put(variables)
    try:
        yield
    finally:
        _put(before)


def _put(variables: dict[str, str] | dict[str, str | None]) -> None:
    for name, value in variables.items():
        if value:
            os.environ[name] = value
        else:
            os.environ.pop(name, None)
