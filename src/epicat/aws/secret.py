"""The secret of a campaign: the address of its database."""

from __future__ import annotations

import os
from pathlib import Path

from epicat.aws.errors import translated_errors
from epicat.aws.session import Aws
from epicat.errors import InputError

__all__ = ["Secret", "put_secret", "read_secret"]

_SCHEMES = ("mongodb://", "mongodb+srv://")


class Secret:
    """A string that is masked in repr() and logs."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "Secret(...)"

    def reveal(self) -> str:
        """Return the text."""
        return self._text


def read_secret(source: str) -> Secret:
    """Read a database's address from ``env:NAME`` or ``file:PATH``.

    Raises `InputError`, whose message does not repeat the value.
    """
    kind, _, name = source.partition(":")
    if kind == "env" and name:
        text = os.environ.get(name, "")
    elif kind == "file" and name:
        try:
            text = Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not a text file"
            raise InputError(f"--store {source!r} cannot be read: {reason}") from error
    elif source.startswith(_SCHEMES):
        raise InputError(
            "--store takes env:NAME or file:PATH, not the address itself: command lines are "
            "visible to other users and are logged"
        )
    else:
        raise InputError(f"--store {source!r}: use env:NAME, file:PATH or none")
    text = text.strip()
    if not text.startswith(_SCHEMES):
        what = "is empty" if not text else f"does not begin with {' or '.join(_SCHEMES)}"
        raise InputError(f"--store {source!r}: its value {what}")
    return Secret(text)


def put_secret(aws: Aws, arn: str, secret: Secret) -> None:
    """Store the value in Secrets Manager, the only request that contains it."""
    with translated_errors("store the address of the database in Secrets Manager", aws.region):
        aws.client("secretsmanager").put_secret_value(SecretId=arn, SecretString=secret.reveal())
