"""Checks before a submission: the stack, and what its workers can reach."""

from __future__ import annotations

import re

from epicat.aws.jobs import active_jobs
from epicat.aws.session import Aws
from epicat.aws.stack import Stack, find_stack
from epicat.aws.template import stack_of
from epicat.errors import InputError
from epicat.store.mongo.address import STORE_VARIABLE, Address, is_mongo

__all__ = [
    "check_address",
    "check_archive",
    "check_idle",
    "check_store",
    "is_own",
    "results_of",
    "usable_stack",
]

_FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_TAKEN = ("submissions", "models")
_BY_VARIABLE = f"#env:{STORE_VARIABLE}"


def usable_stack(aws: Aws, name: str) -> Stack:
    """Return a campaign's stack; raise `InputError` if it is not there or cannot be used."""
    stack = find_stack(aws, stack_of(name))
    if stack is None or not stack.is_begun:
        raise InputError(
            f"there is no stack {stack_of(name)} in {aws.region}: create it with `epicat cloud "
            "up`, or choose another by --name and --region"
        )
    if not stack.is_usable:
        what = "is busy: wait" if stack.is_busy else "is incomplete: `epicat cloud up` repairs it"
        raise InputError(f"stack {stack.name} {what} ({stack.status})")
    return stack


def check_idle(aws: Aws, stack: Stack) -> None:
    """Raise `InputError` if a stack has active jobs, whose work would be done twice."""
    active = sum(1 for _ in active_jobs(aws, stack))
    if active:
        raise InputError(
            f"{stack.name} has {active:,} active jobs, whose work would be done twice: wait "
            "(`epicat status --watch`), or cancel them (`epicat cancel`)"
        )


def check_archive(archive: str) -> None:
    """Raise `InputError` for a local archive."""
    if "://" not in archive:
        raise InputError(
            f"archive {archive!r} is a local folder, which workers cannot read; "
            "give the name of a public archive, or s3://BUCKET/PREFIX"
        )


def check_store(store: str, stack: Stack) -> None:
    """Raise `InputError` for a store that the workers of a stack cannot write to."""
    if is_mongo(store):
        if "StoreSecret" not in stack.outputs and not Address.parse(store).is_open:
            raise InputError(
                f"workers of {stack.name} do not have the address of the database: set "
                "EPICAT_STORE to it and run `epicat cloud up --store env:EPICAT_STORE`"
            )
    elif not is_own(store, stack):
        raise InputError(
            f"store {store!r}: workers of {stack.name} may write only below "
            f"{stack.outputs['Place']}; omit --store, or give {stack.outputs['Place']}NAME"
        )
    elif _inside(store, stack).partition("/")[0] in ("", *_TAKEN):
        raise InputError(
            f"store {store!r}: this folder of {stack.name} is reserved; give another one, "
            f"{stack.outputs['Place']}NAME"
        )


def check_address(store: str) -> None:
    """Raise `InputError` for a resolved address of a database that workers cannot resolve.

    Such an address refers to its password; an address without password needs nothing.
    """
    if is_mongo(store) and not (store.endswith(_BY_VARIABLE) or Address.parse(store).is_open):
        raise InputError(
            "workers take the address of the database from EPICAT_STORE: set it here as well and "
            "omit --store, or give the same address without the password"
        )


def results_of(stack: Stack, collection: str | None) -> str:
    """Return the folder of a stack's bucket for results; raise `InputError` for a bad name."""
    if collection is not None and not _FOLDER.fullmatch(collection):
        raise InputError(
            f"--collection {collection!r}: use letters, digits and . _ -, starting with a letter "
            "or digit"
        )
    return f"{stack.outputs['Place']}{collection or 'store'}"


def is_own(place: str, stack: Stack) -> bool:
    """Return whether a location is in the part of the bucket that workers may use."""
    return f"{place.rstrip('/')}/".startswith(stack.outputs["Place"])


def _inside(place: str, stack: Stack) -> str:
    """Return a location relative to the part of the bucket that workers may use."""
    return f"{place.rstrip('/')}/".removeprefix(stack.outputs["Place"])
