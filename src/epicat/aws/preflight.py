"""What a stack must be to take jobs, and what its workers can reach."""

from __future__ import annotations

import re

from epicat.aws.compile_job import is_compiling
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
            f"there is no stack {stack_of(name)} in {aws.region}: `epicat cloud up` creates it; "
            "--name and --region say which is meant"
        )
    if not stack.is_usable:
        what = (
            "is busy: wait"
            if stack.is_busy
            else "is incomplete: run `epicat cloud up` to repair it"
        )
        raise InputError(f"stack {stack.name} {what} ({stack.status})")
    return stack


def check_idle(aws: Aws, stack: Stack) -> None:
    """Raise `InputError` if jobs of a stack are under way: what they do would be done twice.

    Jobs that compile a model are not included: the submission that needs the model waits for them.
    """
    under_way = sum(not is_compiling(stack, job.name) for job in active_jobs(aws, stack))
    if under_way:
        raise InputError(
            f"{under_way:,} jobs of {stack.name} are still under way, and what they do would be "
            "done twice: wait (`epicat status --watch`), or end them (`epicat cancel`)"
        )


def check_archive(archive: str) -> None:
    """Raise `InputError` for an archive on this machine."""
    if "://" not in archive:
        raise InputError(
            f"archive {archive!r} is a folder of this machine, which workers on AWS cannot read; "
            "give the name of a public archive, or s3://BUCKET/PREFIX"
        )


def check_store(store: str, stack: Stack) -> None:
    """Raise `InputError` for a store that the workers of a stack cannot write to.

    A database that asks for no secret is anybody's to write to.
    """
    if is_mongo(store):
        if "StoreSecret" not in stack.outputs and not Address.parse(store).is_open:
            raise InputError(
                f"workers of {stack.name} do not know the database: put its address into "
                "EPICAT_STORE, and `epicat cloud up --store env:EPICAT_STORE` hands it to them"
            )
    elif not is_own(store, stack):
        raise InputError(
            f"store {store!r}: workers of {stack.name} may write below {stack.outputs['Place']} "
            f"and nowhere else; leave --store out, or give {stack.outputs['Place']}NAME"
        )
    elif _inside(store, stack).partition("/")[0] in ("", *_TAKEN):
        raise InputError(
            f"store {store!r}: {stack.name} keeps other things there; give another folder, "
            f"{stack.outputs['Place']}NAME"
        )


def check_address(store: str) -> None:
    """Raise `InputError` for a database's resolved address that workers are not given the same way.

    Such an address names where its password is kept; one without a password is passed as it is.
    """
    if is_mongo(store) and not (store.endswith(_BY_VARIABLE) or Address.parse(store).is_open):
        raise InputError(
            "workers have the database's address from EPICAT_STORE: set it here as well, and "
            "leave --store out, or give the same address without the password"
        )


def results_of(stack: Stack, collection: str | None) -> str:
    """Return the folder of a stack's bucket where results go; raise `InputError` for a bad name."""
    if collection is not None and not _FOLDER.fullmatch(collection):
        raise InputError(
            f"--collection {collection!r}: letters, digits and . _ -, a letter or digit first"
        )
    return f"{stack.outputs['Place']}{collection or 'store'}"


def is_own(place: str, stack: Stack) -> bool:
    """Return whether something lies in the part of the bucket that a stack's workers may use."""
    return f"{place.rstrip('/')}/".startswith(stack.outputs["Place"])


def _inside(place: str, stack: Stack) -> str:
    """Return where in its part of the bucket something of a stack's own lies."""
    return f"{place.rstrip('/')}/".removeprefix(stack.outputs["Place"])
