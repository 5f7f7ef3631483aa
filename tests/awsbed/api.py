"""The calls of AWS Batch's API about jobs, answered by the runner instead of moto."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from awsbed.jobs import ENDED, Job
from awsbed.runner import LocalBatch
from epicat.aws.limits import check_overrides, check_submission
from epicat.errors import InputError

_PAGE = 100


@contextmanager
def answering(batch: LocalBatch) -> Iterator[None]:
    """Let moto hand the calls about jobs to a runner."""
    from moto.batch.responses import BatchResponse

    def of(call: Callable[[LocalBatch, Any], dict[str, Any]]) -> Callable[[Any], str]:
        return lambda response: json.dumps(call(batch, response))

    calls = {
        "submitjob": _submit, "describejobs": _describe, "listjobs": _list,
        "canceljob": _cancel, "terminatejob": _terminate,
    }  # fmt: skip
    with ExitStack() as stack:
        for name, call in calls.items():
            stack.enter_context(patch.object(BatchResponse, name, of(call)))
        yield


def _submit(batch: LocalBatch, response: Any) -> dict[str, Any]:
    request = {name: value for name, value in json.loads(response.body).items() if value}
    backend = response.batch_backend
    definition = backend.get_job_definition(request["jobDefinition"])
    queue = backend.get_job_queue(request["jobQueue"])
    try:
        check_submission(request)
    except InputError as error:
        raise _refusal(str(error)) from error
    if definition is None or definition.status != "ACTIVE":
        raise _refusal(f"JobDefinition {request['jobDefinition']} does not exist or is inactive")
    if queue is None or queue.state != "ENABLED":
        raise _refusal(f"JobQueue {request['jobQueue']} not found or disabled")
    for dependency in request.get("dependsOn", []):
        if "jobId" in dependency and dependency["jobId"] not in batch.jobs:
            raise _refusal(f"Job {dependency['jobId']} does not exist")
    defined = copy.deepcopy(definition.describe())
    completed = request | {
        "parameters": {**defined["parameters"], **request.get("parameters", {})},
        "retryStrategy": request.get("retryStrategy")
        or defined["retryStrategy"]
        or {"attempts": 1},
        "timeout": request.get("timeout") or defined.get("timeout") or {},
    }
    job = Job(
        completed, defined, backend.account_id, backend.region_name, queue.arn,
        environment=queue.environments[0].name,
    )  # fmt: skip
    try:
        check_overrides(job.command(), request.get("containerOverrides", {}).get("environment", []))
    except InputError as error:
        raise _refusal(str(error)) from error
    batch.submit(job, request.get("arrayProperties", {}).get("size"))
    return {"jobId": job.id, "jobName": job.name, "jobArn": job.arn}


def _describe(batch: LocalBatch, response: Any) -> dict[str, Any]:
    wanted = response._get_param("jobs") or []
    if len(wanted) > _PAGE:
        raise _refusal(f"jobs: {len(wanted)} are too many, 100 at most")
    return {"jobs": batch.describe(wanted)}


def _list(batch: LocalBatch, response: Any) -> dict[str, Any]:
    asked = json.loads(response.body)
    status = asked.get("jobStatus", "RUNNING")
    if "arrayJobId" in asked:
        jobs = batch.jobs[asked["arrayJobId"]].children
    else:
        queue = response.batch_backend.get_job_queue(asked["jobQueue"])
        if queue is None:
            raise _refusal(f"Job queue {asked['jobQueue']} does not exist")
        jobs = [j for j in batch.jobs.values() if j.parent is None and j.queue == queue.arn]
    if filters := asked.get("filters"):
        chosen = _filtered(jobs, filters)
    else:
        chosen = [job for job in jobs if job.status == status]
    first = int(asked.get("nextToken") or 0)
    after = first + min(int(asked.get("maxResults") or _PAGE), _PAGE)
    answer: dict[str, Any] = {"jobSummaryList": [job.summary() for job in chosen[first:after]]}
    if after < len(chosen):
        answer["nextToken"] = str(after)
    return answer


def _filtered(jobs: list[Job], filters: list[dict[str, Any]]) -> list[Job]:
    """Return the jobs of a name, whatever their status, the newest first."""
    (chosen,) = filters
    if chosen["name"] != "JOB_NAME":
        raise _refusal(f"filter {chosen['name']}: this stand-in knows JOB_NAME alone")
    names = [name.lower() for name in chosen["values"]]
    found = [job for job in jobs if any(_fits(name, job.name.lower()) for name in names)]
    return sorted(found, key=lambda job: job.created, reverse=True)


def _fits(pattern: str, name: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def _cancel(batch: LocalBatch, response: Any) -> dict[str, Any]:
    return _ended(batch, response, batch.cancel)


def _terminate(batch: LocalBatch, response: Any) -> dict[str, Any]:
    return _ended(batch, response, batch.terminate)


def _ended(batch: LocalBatch, response: Any, end: Callable[[Job, str], None]) -> dict[str, Any]:
    asked = json.loads(response.body)
    if not asked.get("reason"):
        raise _refusal("reason: a value is required")
    job = batch.jobs.get(asked["jobId"])
    if job is not None and job.status not in ENDED:
        end(job, asked["reason"])
    return {}


def _refusal(message: str) -> Exception:
    from moto.batch.exceptions import ClientException

    return ClientException(message)
