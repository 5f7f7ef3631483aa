"""The state of a stack, and the events of a changing one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from epicat.aws.errors import explained, translated_errors
from epicat.aws.session import Aws

__all__ = ["Report", "Stack", "find_stack", "follow", "past_events"]

Report = Callable[[str], None]
"""Receives messages for the user."""

_DONE = {"CREATE": "created", "UPDATE": "updated", "DELETE": "deleted"}


@dataclass(frozen=True, slots=True)
class Stack:
    """The state of a stack according to CloudFormation."""

    name: str
    """Its name."""
    id: str
    """Its ARN, which finds it even after it was deleted."""
    status: str
    """CloudFormation's status, such as CREATE_COMPLETE."""
    reason: str
    """The reason of the status, if CloudFormation gives one."""
    parameters: dict[str, str]
    """Values of the template's parameters, without secrets."""
    outputs: dict[str, str]
    """Outputs of the template."""

    @property
    def is_begun(self) -> bool:
        """Whether its creation has started."""
        return self.status != "REVIEW_IN_PROGRESS"

    @property
    def is_busy(self) -> bool:
        """Whether an operation is in progress."""
        return self.status.endswith("_IN_PROGRESS")

    @property
    def is_usable(self) -> bool:
        """Whether it is complete, with or without its last change."""
        return self.status in (
            "CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE",
        )  # fmt: skip


def find_stack(aws: Aws, name: str) -> Stack | None:
    """Return a stack by its name or ARN, or None if there is none."""
    from botocore.exceptions import ClientError

    with translated_errors("describe the stack", aws.region):
        try:
            found = aws.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
    return Stack(
        name=found["StackName"],
        id=found["StackId"],
        status=found["StackStatus"],
        reason=found.get("StackStatusReason", ""),
        parameters={p["ParameterKey"]: p["ParameterValue"] for p in found.get("Parameters", [])},
        outputs={o["OutputKey"]: o["OutputValue"] for o in found.get("Outputs", [])},
    )


def past_events(aws: Aws, stack: str) -> set[str]:
    """Return the ids of the past events of a stack."""
    return {event["EventId"] for event in _events(aws, stack)}


def follow(aws: Aws, stack: str, past: set[str], report: Report) -> tuple[Stack | None, list[str]]:
    """Wait until the operation in progress has ended, and report events.

    ``stack`` is the ARN, ``past`` the events that are not reported.  Returns the stack, None if it
    was deleted, and messages about failures.
    """
    failures: list[str] = []
    known = len(past)
    while True:
        found = find_stack(aws, stack)
        for event in reversed(list(_events(aws, stack))):
            if event["EventId"] not in past:
                past.add(event["EventId"])
                _report_event(event, failures, report)
        if found is None or found.status == "DELETE_COMPLETE":
            return None, failures
        # Before the first new event, the status may be the previous one.
        if not found.is_busy and len(past) > known:
            return found, failures
        time.sleep(aws.pause_s)


def _events(aws: Aws, stack: str) -> Iterator[dict[str, Any]]:
    """Yield the events of a stack, the newest first."""
    with translated_errors("read the stack's events", aws.region):
        for page in aws.pages("cloudformation", "describe_stack_events", StackName=stack):
            yield from page["StackEvents"]


def _report_event(event: dict[str, Any], failures: list[str], report: Report) -> None:
    action, _, state = event["ResourceStatus"].partition("_")
    what = f"{event['LogicalResourceId']} ({event['ResourceType'].removeprefix('AWS::')})"
    reason = event.get("ResourceStatusReason", "")
    if state == "FAILED":
        # Resources that were cancelled because of another failure are not a cause.
        if "cancelled" not in reason:
            failures.append(f"{event['LogicalResourceId']}: {explained(reason)}")
            report(f"  failed: {what}: {explained(reason)}")
    elif state == "COMPLETE" and action in _DONE:
        report(f"  {_DONE[action]}: {what}")
