"""Runnable jobs that do not start, by answers of Batch in their documented form."""

from __future__ import annotations

from typing import Any

import pytest

from epicat.aws.waiting import waiting_note

MINUTE = 60_000
NOW = 100 * MINUTE
QUEUE = "arn:aws:batch:us-west-2:1:job-queue/epicat-x-spot"
CAPACITY = "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE"


class Batch:
    """Batch with one queue and environment, and children that wait."""

    region = "us-west-2"

    def client(self, service: str) -> Batch:
        assert service == "batch"
        return self

    def list_jobs(self, **request: Any) -> dict[str, Any]:
        assert request == {"arrayJobId": "a", "jobStatus": "RUNNABLE"}
        return {"jobSummaryList": [{"jobId": "a:0"}, {"jobId": "a:1", "statusReason": CAPACITY}]}

    def describe_job_queues(self, **request: Any) -> dict[str, Any]:
        assert request == {"jobQueues": [QUEUE]}
        return {"jobQueues": [{"computeEnvironmentOrder": [{"computeEnvironment": "arn:e"}]}]}

    def describe_compute_environments(self, **request: Any) -> dict[str, Any]:
        environment = {"computeEnvironmentName": "spot", "state": "ENABLED", "status": "INVALID",
                       "statusReason": "CLIENT_ERROR - Access denied"}  # fmt: skip
        return {"computeEnvironments": [environment]}


def array(job: str, minutes: float, **states: int) -> dict[str, Any]:
    return {"jobId": job, "status": "PENDING", "jobQueue": QUEUE,
            "createdAt": NOW - minutes * MINUTE,
            "arrayProperties": {"statusSummary": states}}  # fmt: skip


def test_a_job_that_does_not_start_says_why():
    found = waiting_note(Batch(), [array("a", 6, RUNNABLE=2)], NOW)  # type: ignore[arg-type]
    assert found == (
        "a",
        f"runnable for 6 minutes: {CAPACITY}; environment spot is ENABLED and INVALID "
        "(CLIENT_ERROR - Access denied)",
    )
    plain = {"jobId": "p", "status": "RUNNABLE", "createdAt": NOW - 9 * MINUTE, "jobQueue": QUEUE}
    found = waiting_note(Batch(), [plain], NOW)  # type: ignore[arg-type]
    assert found is not None
    assert found[1].startswith("runnable for 9 minutes: no reason given (a quota")


@pytest.mark.parametrize("jobs", [
    [array("a", 4, RUNNABLE=2)],
    [array("a", 60, PENDING=2)],
    [array("a", 60, RUNNABLE=2), array("b", 60, RUNNING=1)],
    [array("a", 60, RUNNABLE=2, STARTING=1)],
    [array("a", 60, RUNNABLE=2), {**array("b", 60, SUCCEEDED=1), "stoppedAt": NOW - MINUTE}],
    [],
])  # fmt: skip
def test_a_job_that_waits_for_its_turn_needs_no_words(jobs):
    assert waiting_note(Batch(), jobs, NOW) is None  # type: ignore[arg-type]
