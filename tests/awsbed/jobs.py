"""Jobs, arrays and their children as AWS Batch keeps them, and how it describes them."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

ORDER = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED")
WAITING = frozenset(ORDER[:3])
ENDED = frozenset(ORDER[5:])
DEPENDENT_FAILED = "Dependent Job failed"
CHILD_FAILED = "Array Child Job failed"


def now() -> int:
    """Return the time as Batch tells it: milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@dataclass
class Job:
    """A plain job, an array, or a child of one."""

    request: dict[str, Any]
    """What was submitted, with what the definition has in the places that were left free."""
    definition: dict[str, Any]
    """The job definition, as Batch describes it."""
    account: str
    region: str
    queue: str
    """ARN of the queue."""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    parent: Job | None = None
    index: int | None = None
    status: str = "SUBMITTED"
    status_reason: str = ""
    created: int = field(default_factory=now)
    started: int | None = None
    stopped: int | None = None
    attempts: list[dict[str, Any]] = field(default_factory=list)
    children: list[Job] = field(default_factory=list)
    environment: str = ""
    """Name of the compute environment that it runs in."""

    @property
    def name(self) -> str:
        return str(self.request["jobName"])

    @property
    def arn(self) -> str:
        return f"arn:aws:batch:{self.region}:{self.account}:job/{self.id}"

    @property
    def is_over(self) -> bool:
        return self.status in ENDED

    def child(self, index: int) -> Job:
        """Make a child of an array."""
        return Job(
            self.request, self.definition, self.account, self.region, self.queue,
            id=f"{self.id}:{index}", parent=self, index=index,
        )  # fmt: skip

    def command(self) -> list[str]:
        """Return the command with the parameters in the places of ``Ref::name``."""
        overrides = self.request.get("containerOverrides", {})
        given = overrides.get("command") or self.definition["containerProperties"]["command"]
        parameters = self.request["parameters"]
        for name in sorted(parameters, key=len, reverse=True):
            given = [part.replace(f"Ref::{name}", parameters[name]) for part in given]
        return list(given)

    def variables(self) -> dict[str, str]:
        """Return the environment that definition, submission and Batch itself set."""
        overrides = self.request.get("containerOverrides", {})
        pairs = [
            *self.definition["containerProperties"].get("environment", []),
            *overrides.get("environment", []),
        ]
        own = {
            "AWS_BATCH_JOB_ID": self.id,
            "AWS_BATCH_JOB_ATTEMPT": str(len(self.attempts)),
            "AWS_BATCH_JQ_NAME": self.queue.rsplit("/", 1)[1],
            "AWS_BATCH_CE_NAME": self.environment,
            "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE",
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
        }
        if self.parent is not None:
            own["AWS_BATCH_JOB_ARRAY_INDEX"] = str(self.index)
            own["AWS_BATCH_JOB_ARRAY_SIZE"] = str(len(self.parent.children))
        return {pair["name"]: str(pair["value"]) for pair in pairs} | own

    def summary(self) -> dict[str, Any]:
        """Describe it as ListJobs does."""
        described: dict[str, Any] = {
            "jobArn": self.arn,
            "jobId": self.id,
            "jobName": self.name,
            "createdAt": self.created,
            "status": self.status,
            "jobDefinition": self.definition["jobDefinitionArn"],
        }
        optional = {
            "statusReason": self.status_reason,
            "startedAt": self.started,
            "stoppedAt": self.stopped,
        }
        described |= {name: value for name, value in optional.items() if value}
        if self.attempts and "exitCode" in self.attempts[-1]["container"]:
            described["container"] = {"exitCode": self.attempts[-1]["container"]["exitCode"]}
        if self.index is not None:
            described["arrayProperties"] = {"index": self.index}
        elif self.children:
            described["arrayProperties"] = {"size": len(self.children)}
        return described

    def describe(self) -> dict[str, Any]:
        """Describe it as DescribeJobs does."""
        container = {
            **self.definition["containerProperties"],
            "command": self.command(),
            "environment": [{"name": n, "value": v} for n, v in self.variables().items()],
            **(self.attempts[-1]["container"] if self.attempts else {}),
        }
        described = self.summary() | {
            "jobQueue": self.queue,
            "dependsOn": self.request.get("dependsOn", []),
            "parameters": self.request["parameters"],
            "retryStrategy": self.request["retryStrategy"],
            "timeout": self.request["timeout"],
            "tags": self.request.get("tags", {}),
            "attempts": self.attempts,
            "container": container,
            "platformCapabilities": self.definition.get("platformCapabilities") or [],
        }
        if self.children:
            counts = dict.fromkeys(ORDER, 0)
            for child in self.children:
                counts[child.status] += 1
            described["arrayProperties"] |= {"statusSummary": counts}
        return described
