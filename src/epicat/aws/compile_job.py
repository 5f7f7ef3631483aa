"""Compile a model on AWS: one job of the image that has PyTorch, whose result stays in the bucket.

    PLACE/models/NAME/bundle/...     the compiled model
    PLACE/models/NAME/weights/...    what it is made of, if that came from the person's machine

A complete bundle is not compiled again.  The job's name is made of what it compiles, so that
another submission finds it while it is running.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from epicat._version import __version__
from epicat.aws.errors import explained, user_errors
from epicat.aws.jobs import active_jobs, described, jobs_named
from epicat.aws.limits import check_submission
from epicat.aws.logs import attempts_in, said
from epicat.aws.session import Aws
from epicat.aws.stack import Reporter, Stack
from epicat.errors import CloudError, InputError
from epicat.pick.builtin import SHIPPED
from epicat.pick.openvino.bundle import Bundle
from epicat.pick.options import PickOptions
from epicat.pick.remote_bundle import KeptBundle, keep_weights, kept_name
from epicat.pick.resolve import resolved
from epicat.pick.seisbench.weights import find_weights

__all__ = [
    "begin",
    "check_compiler",
    "compiled",
    "compilers",
    "is_compiling",
    "kept_bundle",
    "request_of",
    "wait",
]

_TAIL: Final = 12
"""Lines of the log that are shown when a job fails."""
_LONG_S: Final = 300.0
"""After so long without a machine there may be none to come."""
_NO_MACHINE: Final = (
    "is the account's quota of Fargate On-Demand vCPUs used up (Service Quotas, AWS Fargate), "
    "--max-vcpus too small, or the subnets without a way to the registry?"
)
_WORDS: Final = {
    "SUBMITTED": "is submitted",
    "PENDING": "is submitted",
    "RUNNABLE": "waits for a machine",
    "STARTING": "has a machine, which fetches the image",
    "RUNNING": "compiles",
    "SUCCEEDED": "is done",
}


def kept_bundle(stack: Stack, options: PickOptions) -> KeptBundle:
    """Return the place in a stack's bucket where a model is compiled to."""
    return KeptBundle(_bundle_place(stack, options))


def compiled(aws: Aws, stack: Stack, options: PickOptions, report: Reporter) -> Bundle:
    """Return a model from a stack's bucket, compiled by a job first if it is not there.

    Joins the job that compiles it if there is one under way.  Raises `InputError` if the stack
    has no image for that and `CloudError`, with the end of its log, if the job fails.
    """
    kept = kept_bundle(stack, options)
    if not kept.is_whole():
        check_compiler(stack, options)
        job = _find(aws, stack, options, report) or begin(aws, stack, options, report)
        wait(aws, stack, job, report)
        if not kept.is_whole():
            raise CloudError(f"the job succeeded but left no model at {kept.location!r}")
    report(f"{_title(options)}: compiled, in {kept.location}")
    return kept.fetch()


def check_compiler(stack: Stack, options: PickOptions) -> None:
    """Raise `InputError` if a stack cannot compile a model, with what can be done instead."""
    if "CompileJob" not in stack.outputs:
        raise InputError(
            f"{_title(options)} has to be compiled, for which SeisBench is needed: install it here "
            "(pip install 'epicat[seisbench]'), or let a job do it: `epicat cloud up "
            f"--compile-image REGISTRY/epicat:TAG-compile` gives {stack.name} the image for that; "
            f"or use --model {SHIPPED}, for quick looks"
        )


def is_compiling(stack: Stack, job: str) -> bool:
    """Return whether a job, by its name, compiles a model."""
    return job.startswith(_beginning(stack))


def compilers(aws: Aws, stack: Stack) -> Iterator[str]:
    """Give the ids of the jobs that compile models, those that are over as well."""
    return jobs_named(aws, stack, _beginning(stack))


def begin(aws: Aws, stack: Stack, options: PickOptions, report: Reporter) -> str:
    """Submit the job that compiles a model; return Batch's name of it.

    Weights of which this machine has the files go to the bucket first.
    """
    options = resolved(options)
    pair = find_weights(options.model, options.weight)
    weight = options.weight
    if pair is not None:
        weight = keep_weights(pair, f"{_place(stack, options)}/weights")
    request = request_of(stack, options, weight)
    check_submission(request)
    report(f"{_title(options)} is compiled by a job, {request['jobName']}: some minutes")
    with user_errors("submit the job that compiles the model", aws.region):
        return str(aws.client("batch").submit_job(**request)["jobId"])


def request_of(stack: Stack, options: PickOptions, weight: str) -> dict[str, Any]:
    """Return what Batch is asked for; ``weight`` is a name, or where the bucket has the file.

    The user waits for it and it costs a cent, so it does not wait for Spot capacity.
    """
    outputs = stack.outputs
    is_spot = stack.parameters["Capacity"] == "spot"
    return {
        "jobName": _job_name(stack, options),
        "jobQueue": outputs["OtherQueue" if is_spot else "Queue"],
        "jobDefinition": outputs["CompileJob"],
        "parameters": {
            "model": options.model,
            "weight": weight,
            "place": _bundle_place(stack, options),
        },
        "tags": {"epicat:stack": stack.name, "epicat:version": __version__},
        "propagateTags": True,
    }


def _place(stack: Stack, options: PickOptions) -> str:
    return f"{stack.outputs['Place']}models/{kept_name(options)}"


def _bundle_place(stack: Stack, options: PickOptions) -> str:
    return f"{_place(stack, options)}/bundle"


def _job_name(stack: Stack, options: PickOptions) -> str:
    # The digest first: what is cut off may be part of a name
    name, _, digest = kept_name(options).rpartition("-")
    return re.sub(r"[^A-Za-z0-9_-]", "_", f"{_beginning(stack)}{digest}-{name}")[:128]


def _beginning(stack: Stack) -> str:
    return f"{stack.name}-compile-"


def _title(options: PickOptions) -> str:
    return f"model {options.model} {options.weight}"


def _find(aws: Aws, stack: Stack, options: PickOptions, report: Reporter) -> str | None:
    """Return the job that compiles a model, if one was submitted before and is not over."""
    name = _job_name(stack, options)
    for job in active_jobs(aws, stack):
        if job.name == name:
            report(f"{_title(options)} is compiled by a job that was submitted before, {name}")
            return job.id
    return None


def wait(aws: Aws, stack: Stack, job: str, report: Reporter) -> None:
    """Wait for a job and report its state.  Raises `CloudError` if it fails."""
    started = since = time.monotonic()
    status = ""
    try:
        while status != "SUCCEEDED":
            job_now = next(described(aws, [job]), {"status": status or "SUBMITTED"})
            if job_now["status"] == "FAILED":
                raise CloudError(_failure(aws, stack, job_now))
            if job_now["status"] != status:
                status, since = job_now["status"], time.monotonic()
                report(f"  {_after(started)} the job {_WORDS[status]}")
            elif status == "RUNNABLE" and time.monotonic() - since > _LONG_S:
                since = time.monotonic()
                report(f"  {_after(started)} still no machine: {_NO_MACHINE}")
            if status != "SUCCEEDED":
                time.sleep(aws.pause_s)
    except KeyboardInterrupt:
        report(
            "the job keeps running: the same command waits for it again, `epicat cancel` ends it"
        )
        raise


def _after(started: float) -> str:
    return str(timedelta(seconds=round(time.monotonic() - started)))


def _failure(aws: Aws, stack: Stack, job: dict[str, Any]) -> str:
    """Say why a job failed: by Batch's words, and by the last lines of its log."""
    attempts = attempts_in(job)
    how = attempts[-1].how if attempts else job.get("statusReason", "")
    message = f"the job that compiles the model failed ({explained(how or 'no reason given')})"
    stream = attempts[-1].stream if attempts else ""
    if stream:
        lines = deque(said(aws, stack, stream), _TAIL)
        message += f"; the last lines of its log, {stream} in {stack.outputs['LogGroup']}:\n"
        # CloudWatch may be a little late
        message += "\n".join(f"  {line}" for line in lines or ["(nothing so far)"])
    return f"{message}\nThe same command tries it again"
