"""Stacks in moto's CloudFormation: outputs, parameters, resources, the look of a failure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch


@contextmanager
def executing() -> Iterator[None]:
    """Let a change set leave outputs and parameters, or a failed stack and its events."""
    from moto.cloudformation.models import CloudFormationBackend, Stack

    execute = CloudFormationBackend.execute_change_set

    def whole(self: Any, change_set_name: str, stack_name: str | None = None) -> None:
        change = self.describe_change_set(change_set_name)
        stack = self.stacks[change.stack_id]
        try:
            execute(self, change_set_name, stack_name)
        except Exception as error:
            fail(stack, change.change_set_type, str(error))
            return
        stack.parameters = change.parameters
        stack.tags = change.tags
        stack._parse_template()
        stack.resource_map._template = stack.template_dict
        stack.output_map = stack._create_output_map()

    deleting = Stack.delete

    def delete(self: Any) -> None:
        try:
            deleting(self)
        except Exception as error:
            fail(self, "DELETE", str(error))

    with (
        patch.object(CloudFormationBackend, "execute_change_set", whole),
        patch.object(Stack, "delete", delete),
        patch.object(Stack, "parameter_list", property(_parameters)),
        patch.object(Stack, "stack_resources", property(_resources)),
    ):
        yield


def _parameters(stack: Any) -> list[dict[str, Any]]:
    """Return parameters as AWS tells them: lists with commas."""
    return [
        {"ParameterKey": n, "ParameterValue": ",".join(v) if isinstance(v, list) else v}
        for n, v in stack.resource_map.resolved_parameters.items()
    ]


def _resources(stack: Any) -> list[Any]:
    """Return the resources, without those whose condition is not met."""
    return [resource for resource in stack.resource_map.values() if resource is not None]


def fail(stack: Any, kind: str, reason: str) -> None:
    """Leave a failed event and the status of a failed operation."""
    from moto.cloudformation.models import Event

    stack.events.append(
        Event(
            stack_id=stack.stack_id, stack_name=stack.name, logical_resource_id="SomeResource",
            physical_resource_id="", resource_type="AWS::Some::Resource",
            resource_status=f"{kind}_FAILED", resource_status_reason=reason,
            resource_properties=None,
        )
    )  # fmt: skip
    ends = {"CREATE": "ROLLBACK_COMPLETE", "UPDATE": "UPDATE_ROLLBACK_COMPLETE"}
    stack.status = ends.get(kind, "DELETE_FAILED")
    stack._add_stack_event(stack.status)
