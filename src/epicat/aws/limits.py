"""Limits of AWS Batch on Fargate, checked before a request.

CloudFormation validates few of these limits, and Batch reports violations late: when a stack is
partly created or a job has been queued.  Sources, by their titles in the AWS documentation:

- *ResourceRequirement* (Batch API Reference): vCPUs and memory on Fargate.
- *EphemeralStorage*, *JobTimeout*, *RetryStrategy*, *EvaluateOnExit*, *SubmitJob*,
  *RegisterJobDefinition* (Batch API Reference).
- *Service quotas* and *Array jobs* (Batch User Guide): dependencies, arrays, sizes, rate.
- *PutRetentionPolicy* (CloudWatch Logs API Reference): for how long logs are kept.
- *ContainerOverride*, *TaskOverride* (ECS API Reference): 8,192 characters of overrides.

Every function raises `InputError` with the value and what is allowed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from epicat.errors import InputError
from epicat.pipeline.jobs.job_arrays import MOST_JOBS, MOST_NEEDS

__all__ = [
    "ARRAY_SIZES",
    "ATTEMPTS",
    "DEPENDENCIES",
    "LOG_DAYS",
    "MEMORY_MIB",
    "SUBMISSIONS_PER_SECOND",
    "check_attempts",
    "check_dependencies",
    "check_exit_rules",
    "check_log_days",
    "check_name",
    "check_overrides",
    "check_size",
    "check_storage",
    "check_submission",
    "check_timeout",
]

MEMORY_MIB: Final[dict[str, tuple[int, ...]]] = {
    "0.25": (512, 1024, 2048),
    "0.5": tuple(range(1024, 4096 + 1, 1024)),
    "1": tuple(range(2048, 8192 + 1, 1024)),
    "2": tuple(range(4096, 16384 + 1, 1024)),
    "4": tuple(range(8192, 30720 + 1, 1024)),
    "8": tuple(range(16384, 61440 + 1, 4096)),
    "16": tuple(range(32768, 122880 + 1, 8192)),
}
"""Memory sizes in MiB that Fargate supports, by number of vCPUs."""
STORAGE_GIB: Final = range(21, 200 + 1)
"""Disk of a job in GiB; the default is 20."""
ATTEMPTS: Final = range(1, 10 + 1)
"""Number of attempts of a job."""
EXIT_RULES: Final = 5
"""Maximum number of retry rules."""
TIMEOUT_S: Final = 60
"""Minimum timeout of an attempt in seconds."""
ARRAY_SIZES: Final = range(2, MOST_JOBS + 1)
"""Number of children of an array."""
DEPENDENCIES: Final = MOST_NEEDS
"""Maximum number of dependencies of a job."""
OVERRIDES: Final = 8192
"""Maximum number of characters of command and environment overrides."""
SUBMISSION_BYTES: Final = 30 * 1024
"""Maximum size of a request in bytes."""
SUBMISSIONS_PER_SECOND: Final = 50
"""Maximum number of submissions per second, account and region."""
TAGS: Final = 50
"""Maximum number of tags of a job."""
LOG_DAYS: Final = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731)
"""Retention of logs in days; the template omits some longer ones."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_REASON = re.compile(r"[A-Za-z0-9.:\s]*\*?")
_EXIT_CODE = re.compile(r"\d*\*?")


def check_name(name: str, what: str) -> None:
    """Check the name of a job, a job definition, a queue or an environment."""
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{what} {name!r}: AWS Batch takes 1 to 128 letters, digits, hyphens and underscores, "
            "the first a letter or a digit"
        )


def check_size(vcpu: str, memory: int) -> None:
    """Check that Fargate supports ``memory`` MiB with ``vcpu`` vCPUs."""
    choices = MEMORY_MIB.get(vcpu)
    if choices is None:
        raise InputError(f"{vcpu} vCPUs: Fargate has {', '.join(MEMORY_MIB)}")
    if memory not in choices:
        raise InputError(
            f"{memory} MiB with {vcpu} vCPU: Fargate has {_listed(choices)} MiB for that"
        )


def check_storage(gibibytes: int) -> None:
    """Check the disk of a job; the default is 20 GiB."""
    if gibibytes != STORAGE_GIB.start - 1 and gibibytes not in STORAGE_GIB:
        raise InputError(f"{gibibytes} GiB of disk: Fargate has 20 to {STORAGE_GIB[-1]} GiB")


def check_attempts(attempts: int) -> None:
    """Check the number of attempts of a job."""
    if attempts not in ATTEMPTS:
        raise InputError(f"{attempts} attempts: AWS Batch takes 1 to {ATTEMPTS[-1]}")


def check_exit_rules(rules: Sequence[Mapping[str, str]]) -> None:
    """Check the retry rules of a submission."""
    if len(rules) > EXIT_RULES:
        raise InputError(f"{len(rules)} rules for retries: AWS Batch takes {EXIT_RULES}")
    for rule in rules:
        if str(rule.get("action", "")).upper() not in ("RETRY", "EXIT"):
            raise InputError(f"action {rule.get('action')!r}: AWS Batch knows RETRY and EXIT")
        for name, pattern in rule.items():
            shape = _EXIT_CODE if name == "onExitCode" else _REASON
            if name != "action" and (len(pattern) > 512 or not shape.fullmatch(pattern)):
                raise InputError(
                    f"{name} {pattern!r}: AWS Batch takes up to 512 "
                    f"{'digits' if shape is _EXIT_CODE else 'letters, digits, spaces, . and :'}, "
                    "with an asterisk at the end or none"
                )


def check_log_days(days: int) -> None:
    """Check the retention of logs."""
    if days not in LOG_DAYS:
        raise InputError(
            f"--log-days {days}: CloudWatch has {', '.join(map(str, LOG_DAYS[:-1]))} or "
            f"{LOG_DAYS[-1]} days"
        )


def check_timeout(seconds: int) -> None:
    """Check the timeout of an attempt."""
    if seconds < TIMEOUT_S:
        raise InputError(f"a time limit of {seconds} s: AWS Batch takes {TIMEOUT_S} s or more")


def check_dependencies(dependencies: Sequence[Mapping[str, str]]) -> None:
    """Check the number of dependencies of a job."""
    if len(dependencies) > DEPENDENCIES:
        raise InputError(
            f"{len(dependencies)} dependencies: AWS Batch takes {DEPENDENCIES} for a job"
        )


def check_overrides(command: Sequence[str], environment: Sequence[Mapping[str, str]]) -> None:
    """Check the length of a command, with parameters filled in, and of the variables."""
    length = sum(map(len, command)) + sum(len(v["name"]) + len(v["value"]) for v in environment)
    if length > OVERRIDES:
        raise InputError(
            f"command and environment of {length:,} characters: AWS takes {OVERRIDES:,} for a job"
        )


def check_submission(request: Mapping[str, Any]) -> None:
    """Check a request for ``SubmitJob``, by the names of the API."""
    check_name(request["jobName"], "job")
    size = request.get("arrayProperties", {}).get("size")
    if size is not None and size not in ARRAY_SIZES:
        raise InputError(
            f"an array of {size:,} jobs: AWS Batch takes {ARRAY_SIZES[0]} to {ARRAY_SIZES[-1]:,}"
        )
    check_dependencies(request.get("dependsOn", []))
    if retry := request.get("retryStrategy"):
        check_attempts(retry.get("attempts", 1))
        check_exit_rules(retry.get("evaluateOnExit", []))
    if timeout := request.get("timeout"):
        check_timeout(timeout["attemptDurationSeconds"])
    overrides = request.get("containerOverrides", {})
    command = overrides.get("command", [])
    values = list(request.get("parameters", {}).values())
    check_overrides([*command, *values], overrides.get("environment", []))
    _check_tags(request.get("tags", {}))
    length = len(json.dumps(request).encode())
    if length > SUBMISSION_BYTES:
        raise InputError(f"a submission of {length:,} bytes: AWS Batch takes {SUBMISSION_BYTES:,}")


def _check_tags(tags: Mapping[str, str]) -> None:
    if len(tags) > TAGS:
        raise InputError(f"{len(tags)} tags: AWS takes {TAGS} for a job")
    for name, value in tags.items():
        if not 1 <= len(name) <= 128 or len(value) > 256 or name.lower().startswith("aws:"):
            raise InputError(
                f"tag {name!r}: AWS takes names of 1 to 128 characters that do not begin with "
                "'aws:', and values of up to 256"
            )


def _listed(choices: Sequence[int]) -> str:
    if len(choices) < 4:
        return ", ".join(map(str, choices))
    step = choices[1] - choices[0]
    return f"{choices[0]} to {choices[-1]} in steps of {step}"
