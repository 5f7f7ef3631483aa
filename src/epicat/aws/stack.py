"""Describe a stack, and follow its events while it changes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from epicat.aws.errors import explained, user_errors
from epicat.aws.session import Aws

__all__ = ["Reporter", "Stack", "find_stack", "follow", "past_events"]

Reporter = Callable[[str], None]
"""Receives progress messages."""

_DONE = {"CREATE": "created", "UPDATE": "updated", "DELETE": "deleted"}


@dataclass(frozen=True, slots=True)
class Stack:
    """What CloudFormation says of a stack."""

    name: str
    """Its name."""
    id: str
    """Its ARN, by which it is found even when it has been deleted."""
    status: str
    """CloudFormation's status, such as CREATE_COMPLETE."""
    reason: str
    """Why it has that status, if CloudFormation says so."""
    parameters: dict[str, str]
    """Values of the template's parameters; there is no secret among them."""
    outputs: dict[str, str]
    """The template's outputs."""

    @property
    def is_begun(self) -> bool:
        """Whether anything has been made, rather than only planned."""
        return self.status != "REVIEW_IN_PROGRESS"

    @property
    def is_busy(self) -> bool:
        """Whether something is going on."""
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

    with user_errors("describe the stack", aws.region):
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
    """Return the ids of what has happened to a stack until now."""
    return {event["EventId"] for event in _events(aws, stack)}


def follow(
    aws: Aws, stack: str, past: set[str], report: Reporter
) -> tuple[Stack | None, list[str]]:
    """Wait until a stack has stopped changing, and report its events.

    ``stack`` is its ARN, ``past`` the events that are no news.  Returns the stack, None if it is
    gone, and what failed in plain words.
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
        # Until there is news the status may still be that of before
        if not found.is_busy and len(past) > known:
            return found, failures
        time.sleep(aws.pause_s)


def _events(aws: Aws, stack: str) -> Iterator[dict[str, Any]]:
    """Give the events of a stack, the newest first."""
    with user_errors("read the stack's events", aws.region):
        for page in aws.pages("cloudformation", "describe_stack_events", StackName=stack):
            yield from page["StackEvents"]


def _report_event(event: dict[str, Any], failures: list[str], report: Reporter) -> None:
    action, _, state = event["ResourceStatus"].partition("_")
    what = f"{event['LogicalResourceId']} ({event['ResourceType'].removeprefix('AWS::')})"
    reason = event.get("ResourceStatusReason", "")
    if state == "FAILED":
        # What was stopped because something else failed is not a cause
        if "cancelled" not in reason:
            failures.append(f"{event['LogicalResourceId']}: {explained(reason)}")
            report(f"  failed: {what}: {explained(reason)}")
    elif state == "COMPLETE" and action in _DONE:
        report(f"  {_DONE[action]}: {what}")
