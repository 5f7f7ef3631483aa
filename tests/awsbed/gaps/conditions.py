"""Conditions in moto's CloudFormation: a changed parameter changes what is conditional on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch


@contextmanager
def minding() -> Iterator[None]:
    """Let an update also change resources that have a changed parameter by ``Fn::If`` alone."""
    from moto.cloudformation.parsing import ResourceMap

    differing = ResourceMap.build_resource_diff

    def whole(
        self: Any, template: dict[str, Any], parameters: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        found = differing(self, template, parameters)
        old, given = self.input_parameters, parameters or {}
        changed = {name for name in given if old.get(name) != given[name]}
        turned = {
            name for name, condition in template.get("Conditions", {}).items()
            if changed.intersection(_named(condition, "Ref"))
        }  # fmt: skip
        found["Modify"] += [
            name for name, resource in template["Resources"].items()
            if name in self._resource_json_map and name not in found["Modify"]
            and turned.intersection(asked[0] for asked in _named(resource, "Fn::If"))
        ]  # fmt: skip
        return found

    with patch.object(ResourceMap, "build_resource_diff", whole):
        yield


def _named(part: Any, key: str) -> Iterator[Any]:
    """Find all that stands under a key in a part of a template."""
    if isinstance(part, dict):
        if key in part:
            yield part[key]
        part = list(part.values())
    if isinstance(part, list):
        for item in part:
            yield from _named(item, key)
