"""Submit a plan to AWS Batch, one request per array of jobs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from epicat._version import __version__
from epicat.aws.errors import code_of, translated_errors
from epicat.aws.estimate import job_seconds
from epicat.aws.jobs import jobs_named
from epicat.aws.limits import check_submission
from epicat.aws.progress import job_progress
from epicat.aws.session import Aws
from epicat.aws.stack import Stack
from epicat.aws.submission_record import SubmissionRecord
from epicat.ledger import Stage
from epicat.pipeline.jobs.job_arrays import JobArray
from epicat.pipeline.jobs.job_progress import JobProgress
from epicat.pipeline.jobs.submission import Submission

__all__ = ["BatchTarget", "request_of", "time_limit"]

_SPARE_S = 120
_ATTEMPTS = 8
_THROTTLED = frozenset({
    "RequestLimitExceeded", "SlowDown", "Throttling", "ThrottlingException",
    "TooManyRequestsException",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class BatchTarget:
    """AWS Batch as a target: one request per array."""

    aws: Aws
    """Access to AWS."""
    stack: Stack
    """The campaign's stack."""

    def seconds(self, array: JobArray, record: SubmissionRecord) -> float:
        """Return the estimated billed seconds of an array."""
        return job_seconds(array, record.stations, record.shape(array.stage))

    def check(self, submission: Submission, array: JobArray, record: SubmissionRecord) -> None:
        """Raise `InputError` for an array that AWS would refuse."""
        check_submission(request_of(self.stack, submission, array, record))

    def submit(self, submission: Submission, array: JobArray, record: SubmissionRecord) -> str:
        """Submit an array; return its job id.  Raises `CloudError`."""
        request = request_of(self.stack, submission, array, record)
        with translated_errors(f"submit {array.name}", self.aws.region):
            return submit_once(self.aws, self.stack, request)

    def progress(self, record: SubmissionRecord) -> list[JobProgress]:
        """Return the progress of each job of a submission."""
        return job_progress(self.aws, record)


def submit_once(aws: Aws, stack: Stack, request: Mapping[str, Any]) -> str:
    """Submit a job and return its id; a request whose answer was lost is never sent twice.

    SubmitJob has no token that would make it idempotent, and boto3 repeats what got no answer.
    Here a request is sent once.  If it may have been accepted all the same, the job is looked
    for by its name, which no other job has, before the request is sent again.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    client = aws.client("batch", retries=False)
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return str(client.submit_job(**request)["jobId"])
        except (BotoCoreError, ClientError) as error:
            if attempt == _ATTEMPTS or not _is_temporary(error):
                raise
            if not _was_refused(error):
                time.sleep(aws.pause_s)  # a new job is listed after a moment
                found = next(jobs_named(aws, stack, request["jobName"], exactly=True), None)
                if found is not None:
                    return found
        time.sleep(aws.pause_s * attempt)
    raise AssertionError("the last attempt returns or raises")


def _was_refused(error: Exception) -> bool:
    """Return whether AWS has answered that it did not accept the request."""
    status = _status(error)
    return status is not None and status < 500


def _is_temporary(error: Exception) -> bool:
    """Return whether the same request may be accepted later."""
    from botocore.exceptions import ConnectionError as BotoConnectionError
    from botocore.exceptions import HTTPClientError

    if isinstance(error, (BotoConnectionError, HTTPClientError)):
        return True
    status = _status(error)
    return status is not None and (status >= 500 or code_of(error) in _THROTTLED)


def _status(error: Any) -> int | None:
    """Return the HTTP status of an answer; None if there was none."""
    answer = getattr(error, "response", None) or {}
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return None if status is None else int(status)


def request_of(
    stack: Stack, submission: Submission, array: JobArray, record: SubmissionRecord
) -> dict[str, Any]:
    """Return the request for Batch, without secrets."""
    definition = "PickJob" if array.stage == Stage.PICK else "AssociateJob"
    ids = {job.name: job.id for job in record.jobs}
    request = {
        "jobName": f"{stack.name}-{record.name}-{array.name}".replace(".", "_"),
        "jobQueue": stack.outputs["Queue"],
        "jobDefinition": stack.outputs[definition],
        "dependsOn": [{"jobId": ids[name]} for name in array.needs],
        "containerOverrides": {"command": _command(stack, submission, array, record)},
        "tags": {
            "epicat:stack": stack.name,
            "epicat:submission": record.name,
            "epicat:array": array.name,
            "epicat:version": __version__,
        },
        "propagateTags": True,
    }
    if len(array.units) > 1:  # an array has two jobs or more
        request["arrayProperties"] = {"size": len(array.units)}
    return request


def _command(
    stack: Stack, submission: Submission, array: JobArray, record: SubmissionRecord
) -> list[str]:
    """Return the command of the worker.

    Its own timeout is a little shorter than that of Batch, which would kill it before it can
    record the failure of the unit.
    """
    plan = f"{submission.location}/{array.name}.units"
    processes = record.shape(array.stage).processes
    limit = time_limit(stack.parameters, array.stage)
    strict = ["--strict"] if record.strict else []
    return [
        "work", "--plan", plan, "--workers", str(processes), "--time-limit", str(limit), *strict,
    ]  # fmt: skip


def time_limit(parameters: Mapping[str, str], stage: Stage) -> int:
    """Return the timeout of a unit in seconds, from the parameters of the stack.

    It is shorter than the job's, so that what is not done can still be recorded as failed.
    """
    limit = int(parameters["PickTimeout" if stage == Stage.PICK else "AssociateTimeout"])
    return max(limit - _SPARE_S, limit // 2)
