"""What the runner takes from moto and gives to it: secrets and logs."""

from __future__ import annotations

import threading
from typing import Any

from awsbed.jobs import Job, now

_LOCK = threading.Lock()  # moto's logs are not safe for threads


class StartError(Exception):
    """A task that never came to run, in the words of Batch and ECS."""

    def __init__(self, status_reason: str, reason: str = "") -> None:
        super().__init__(status_reason, reason)
        self.status_reason = status_reason
        self.reason = reason


def secrets_of(job: Job) -> dict[str, str]:
    """Return the variables that Secrets Manager holds, by the ARNs of the definition."""
    from moto.core.exceptions import JsonRESTError, ServiceException
    from moto.secretsmanager.models import secretsmanager_backends

    found = {}
    for secret in job.definition["containerProperties"].get("secrets") or []:
        backend = secretsmanager_backends[job.account][job.region]
        try:
            value = backend.get_secret_value(secret["valueFrom"], None, None)
        except (JsonRESTError, ServiceException) as error:
            raise StartError(
                "ResourceInitializationError: unable to pull secrets or registry auth: "
                f"execution resource retrieval failed: {error}"
            ) from error
        found[secret["name"]] = value["SecretString"]
    return found


class LogStream:
    """One attempt's stream in CloudWatch."""

    def __init__(self, job: Job, task: str) -> None:
        """Make it.  Raises `StartError` if the group does not exist."""
        from moto.logs.models import logs_backends

        options: dict[str, Any] = (
            job.definition["containerProperties"].get("logConfiguration", {}).get("options", {})
        )
        self._group = options.get("awslogs-group", "/aws/batch/job")
        prefix = options.get("awslogs-stream-prefix", job.definition["jobDefinitionName"])
        self.name = f"{prefix}/default/{task}"
        self._logs = logs_backends[job.account][job.region]
        with _LOCK:
            if "awslogs-group" not in options:  # Batch makes its own
                self._logs.ensure_log_group(self._group)
            elif self._group not in self._logs.groups:
                raise StartError(
                    "ResourceInitializationError: failed to validate logger args: The specified "
                    "log group does not exist."
                )
            self._logs.ensure_log_stream(self._group, self.name)

    def line(self, text: str) -> None:
        """Write a line; an empty one is refused by CloudWatch and left out."""
        if text:
            with _LOCK:
                self._logs.put_log_events(
                    self._group, self.name, [{"timestamp": now(), "message": text}]
                )
