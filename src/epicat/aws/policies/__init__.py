"""IAM policies for people: who creates and deletes stacks, and who submits to them."""

from __future__ import annotations

from importlib import resources
from typing import Final

__all__ = ["POLICIES", "policy"]

POLICIES: Final = {
    "deploy": "for `epicat cloud up` and `down`",
    "submit": "for `epicat submit` and all commands about jobs and results",
}
"""Names of the policies and what they are for."""


def policy(name: str) -> str:
    """Return a policy as JSON, to attach to a user or a permission set as it is."""
    return (resources.files("epicat.aws.policies") / f"{name}.json").read_text(encoding="utf-8")
