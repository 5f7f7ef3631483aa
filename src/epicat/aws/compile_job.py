"""Compile a model on AWS, in a job of the image with PyTorch; the result is kept in the bucket.

    PLACE/models/NAME/bundle/...     the compiled model
    PLACE/models/NAME/weights/...    its weights, if they were on the user's machine

A complete bundle is never compiled again.  The name of the job is derived from what it compiles,
so that others who need the same model find the running job.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from epicat._version import __version__
from epicat.aws.errors import explained, translated_errors
from epicat.aws.jobs import active_jobs, describe_jobs, jobs_named
from epicat.aws.limits import check_submission
from epicat.aws.logs import attempts_in, log_lines
from epicat.aws.session import Aws
from epicat.aws.stack import Report, Stack
from epicat.errors import CloudError, InputError
from epicat.pick.builtin import SHIPPED
from epicat.pick.openvino.bundle import Bundle
from epicat.pick.options import PickOptions
from epicat.pick.remote_bundle import KeptBundle, keep_weights, kept_name
from epicat.pick.resolve import resolved
from epicat.pick.seisbench.weights import find_weights

__all__ = [
    "check_compiler",
    "compile_jobs",
    "fetch_or_compile",
    "is_compiling",
    "kept_bundle",
    "request_of",
    "submit_compile_job",
    "wait",
]

_TAIL: Final = 12
"""Lines of the log shown when a job fails."""
_LONG_S: Final = 300.0
"""Time without a machine after which a hint is shown, in seconds."""
_NO_MACHINE: Final = (
    "check the account's quota of Fargate On-Demand vCPUs (Service Quotas, AWS Fargate), "
    "--max-vcpus, and whether the subnets can reach the registry"
)
_WORDS: Final = {
    "SUBMITTED": "is submitted",
    "PENDING": "is submitted",
    "RUNNABLE": "is waiting for a machine",
    "STARTING": "is starting: the machine pulls the image",
    "RUNNING": "is compiling",
    "SUCCEEDED": "is done",
}


def kept_bundle(stack: Stack, options: PickOptions) -> KeptBundle:
    """Return the location of a compiled model in the bucket of a stack."""
    return KeptBundle(_bundle_place(stack, options))


def fetch_or_compile(aws: Aws, stack: Stack, options: PickOptions, report: Report) -> Bundle:
    """Return a model from the bucket of a stack, after compiling it in a job if needed.

    Waits for a job that already compiles it, if there is one.  Raises `InputError` if the stack
    has no image for that and `CloudError`, with the end of the log, if the job fails.
    """
    kept = kept_bundle(stack, options)
    if not kept.is_whole():
        check_compiler(stack, options)
        job = _find(aws, stack, options, report) or submit_compile_job(aws, stack, options, report)
        wait(aws, stack, job, report)
        if not kept.is_whole():
            raise CloudError(f"the job succeeded but left no model in {kept.location!r}")
    report(f"{_title(options)}: compiled, in {kept.location}")
    return kept.fetch()


def check_compiler(stack: Stack, options: PickOptions) -> None:
    """Raise `InputError`, with alternatives, if a stack cannot compile a model."""
    if "CompileJob" not in stack.outputs:
        raise InputError(
            f"{_title(options)} must be compiled, which needs SeisBench: install it here (pip "
            "install 'epicat[seisbench]'); or compile in a job, after `epicat cloud up "
            f"--compile-image REGISTRY/epicat:TAG-compile` has given {stack.name} an "
            f"image for that; or use --model {SHIPPED} for a quick look"
        )


def is_compiling(stack: Stack, job: str) -> bool:
    """Return whether a job compiles a model, according to its name."""
    return job.startswith(_name_prefix(stack))


def compile_jobs(aws: Aws, stack: Stack) -> Iterator[str]:
    """Yield the ids of the jobs that compile models, including ended ones."""
    return jobs_named(aws, stack, _name_prefix(stack))


def submit_compile_job(aws: Aws, stack: Stack, options: PickOptions, report: Report) -> str:
    """Submit the job that compiles a model; return its id.

    Weights that this machine has are uploaded to the bucket first.
    """
    options = resolved(options)
    pair = find_weights(options.model, options.weight)
    weight = options.weight
    if pair is not None:
        weight = keep_weights(pair, f"{_place(stack, options)}/weights")
    request = request_of(stack, options, weight)
    check_submission(request)
    report(f"compiling {_title(options)} in job {request['jobName']}, which takes some minutes")
    with translated_errors("submit the job that compiles the model", aws.region):
        return str(aws.client("batch").submit_job(**request)["jobId"])


def request_of(stack: Stack, options: PickOptions, weight: str) -> dict[str, Any]:
    """Return the request for Batch; ``weight`` is a name or the location of the file.

    The user waits for it, and it costs about a cent: so it does not use Spot.
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
    # The digest first, since the end may be cut off.
    name, _, digest = kept_name(options).rpartition("-")
    return re.sub(r"[^A-Za-z0-9_-]", "_", f"{_name_prefix(stack)}{digest}-{name}")[:128]


def _name_prefix(stack: Stack) -> str:
    return f"{stack.name}-compile-"


def _title(options: PickOptions) -> str:
    return f"model {options.model} {options.weight}"


def _find(aws: Aws, stack: Stack, options: PickOptions, report: Report) -> str | None:
    """Return the id of an active job that compiles a model, if there is one."""
    name = _job_name(stack, options)
    for job in active_jobs(aws, stack):
        if job.name == name:
            report(f"{_title(options)} is being compiled by an earlier job, {name}")
            return job.id
    return None


def wait(aws: Aws, stack: Stack, job: str, report: Report) -> None:
    """Wait for a job and report its status.  Raises `CloudError` if it fails."""
    begun = since = time.monotonic()
    status = ""
    try:
        while status != "SUCCEEDED":
            job_info = next(describe_jobs(aws, [job]), {"status": status or "SUBMITTED"})
            if job_info["status"] == "FAILED":
                raise CloudError(_failure(aws, stack, job_info))
            if job_info["status"] != status:
                status, since = job_info["status"], time.monotonic()
                report(f"  {_after(begun)} the job {_WORDS[status]}")
            elif status == "RUNNABLE" and time.monotonic() - since > _LONG_S:
                since = time.monotonic()
                report(f"  {_after(begun)} still no machine: {_NO_MACHINE}")
            if status != "SUCCEEDED":
                time.sleep(aws.pause_s)
    except KeyboardInterrupt:
        report(
            "the job keeps running: the same command waits for it again, `epicat cancel` cancels it"
        )
        raise


def _after(started: float) -> str:
    return str(timedelta(seconds=round(time.monotonic() - started)))


def _failure(aws: Aws, stack: Stack, job_info: dict[str, Any]) -> str:
    """Return why a job failed: the reason given by Batch and the end of the log."""
    attempts = attempts_in(job_info)
    how = attempts[-1].how if attempts else job_info.get("statusReason", "")
    message = f"the job that compiles the model failed ({explained(how or 'no reason given')})"
    stream = attempts[-1].stream if attempts else ""
    if stream:
        lines = deque(log_lines(aws, stack, stream), _TAIL)
        message += f"; the last lines of its log, {stream} in {stack.outputs['LogGroup']}:\n"
        # CloudWatch may lag behind.
        message += "\n".join(f"  {line}" for line in lines or ["(nothing so far)"])
    return f"{message}\nRun the same command again to retry"
