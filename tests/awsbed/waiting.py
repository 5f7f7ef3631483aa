"""What a job waits for, and what becomes of it when that fails."""

from __future__ import annotations

from collections.abc import Mapping

from awsbed.jobs import Job


def needed(job: Job, jobs: Mapping[str, Job]) -> list[Job]:
    """Return the jobs that a plain job or a child waits for."""
    found = []
    for dependency in job.request.get("dependsOn", []):
        kind, other = dependency.get("type"), dependency.get("jobId")
        if kind == "SEQUENTIAL" and job.parent is not None:
            if job.index:
                found.append(job.parent.children[job.index - 1])
        elif kind == "N_TO_N" and job.index is not None:
            found.append(jobs[f"{other}:{job.index}"])
        elif other is not None:
            found.append(jobs[other])
    return found


def state(job: Job, jobs: Mapping[str, Job]) -> str:
    """Return ``wait``, ``go`` or ``fail``."""
    statuses = {other.status for other in needed(job, jobs)}
    if "FAILED" in statuses:
        return "fail"
    return "go" if statuses <= {"SUCCEEDED"} else "wait"
