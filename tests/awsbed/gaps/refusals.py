"""What AWS refuses, or does late, and moto does at once.

- A compute environment with active jobs is not deleted ("Delete a compute environment" of Batch's
  User Guide); CloudFormation replaces one whose tags change, which are create-only in its schema.
- A gateway stays attached while tasks of its network have public addresses.
- An account needs the service-linked role of ECS before its first cluster.
- A secret that was deleted for good is described for a while longer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from awsbed.gaps.stacks import fail
from awsbed.runner import LocalBatch

ACTIVE_JOBS = "Cannot delete, the compute environment has active jobs and is INVALID now"
MAPPED = (
    "Network {} has some mapped public address(es). Please unmap those public address(es) before "
    "detaching the gateway."
)
NO_ROLE = (
    "Unable to assume the service linked role. Please verify that the ECS service linked role "
    + "exists."
)
LINGERS = 3
"""How often a deleted secret is still described."""


@contextmanager
def refusing(batch: LocalBatch) -> Iterator[None]:
    """Let moto refuse what AWS refuses, given the jobs."""
    from moto.secretsmanager.models import SecretsManagerBackend

    with _environments(batch), _stacks(batch), _gateways(batch), _lingering(SecretsManagerBackend):
        yield


@contextmanager
def _environments(batch: LocalBatch) -> Iterator[None]:
    from moto.batch.models import BatchBackend, ComputeEnvironment

    deleting = BatchBackend.delete_compute_environment
    making = ComputeEnvironment.create_from_cloudformation_json.__func__  # type: ignore[attr-defined]

    def delete(self: Any, name: str) -> None:
        if _active(batch, name.rsplit("/", 1)[-1]):
            raise RuntimeError(ACTIVE_JOBS)
        deleting(self, name)

    def make(cls: Any, name: str, resource: Any, account: str, *more: Any, **kw: Any) -> Any:
        if not _has_ecs_role(account):
            raise RuntimeError(NO_ROLE)
        return making(cls, name, resource, account, *more, **kw)

    with (
        patch.object(BatchBackend, "delete_compute_environment", delete),
        patch.object(ComputeEnvironment, "create_from_cloudformation_json", classmethod(make)),
    ):
        yield


@contextmanager
def _stacks(batch: LocalBatch) -> Iterator[None]:
    from moto.cloudformation.models import CloudFormationBackend

    executing = CloudFormationBackend.execute_change_set

    def execute(self: Any, change_set_name: str, stack_name: str | None = None) -> None:
        change = self.describe_change_set(change_set_name)
        stack = self.stacks[change.stack_id]
        if change.change_set_type == "UPDATE" and (stack.tags or {}) != (change.tags or {}):
            for resource in stack.stack_resources:
                if getattr(resource, "env_type", None) and _active(batch, resource.name):
                    fail(stack, "UPDATE", ACTIVE_JOBS)
                    return
        executing(self, change_set_name, stack_name)

    with patch.object(CloudFormationBackend, "execute_change_set", execute):
        yield


@contextmanager
def _gateways(batch: LocalBatch) -> Iterator[None]:
    from moto.ec2.models.internet_gateways import InternetGatewayBackend

    detaching = InternetGatewayBackend.detach_internet_gateway

    def detach(self: Any, gateway: str, vpc: str) -> None:
        if any(job.status in ("STARTING", "RUNNING") for job in batch.jobs.values()):
            raise RuntimeError(MAPPED.format(vpc))
        detaching(self, gateway, vpc)

    with patch.object(InternetGatewayBackend, "detach_internet_gateway", detach):
        yield


def _active(batch: LocalBatch, environment: str) -> bool:
    jobs = [job for job in batch.jobs.values() if job.parent is None]
    return any(job.environment == environment and not job.is_over for job in jobs)


def _has_ecs_role(account: str) -> bool:
    from moto.iam.models import iam_backends

    roles = iam_backends[account]["aws"].roles.values()
    return any("aws-service-role/ecs.amazonaws.com" in role.path for role in roles)


@contextmanager
def _lingering(backend: Any) -> Iterator[None]:
    """Let a secret that was deleted for good be described some times more."""
    deleting, describing = backend.delete_secret, backend.describe_secret
    left: Counter[str] = Counter()
    kept: dict[str, Any] = {}

    def delete(self: Any, secret_id: str, recovery: int | None, *, force: bool) -> Any:
        if force and self._is_valid_identifier(secret_id):
            described = describing(self, secret_id)
            name = described.name
            kept[name], left[name] = described, LINGERS
        return deleting(self, secret_id, recovery, force)

    def delete_any(self: Any, secret_id: str, recovery_window_in_days: int | None,
                   force_delete_without_recovery: bool) -> Any:  # fmt: skip
        return delete(self, secret_id, recovery_window_in_days, force=force_delete_without_recovery)

    def describe(self: Any, secret_id: str) -> Any:
        if left[secret_id] > 0 and not self._is_valid_identifier(secret_id):
            left[secret_id] -= 1
            return kept[secret_id]
        return describing(self, secret_id)

    with (
        patch.object(backend, "delete_secret", delete_any),
        patch.object(backend, "describe_secret", describe),
    ):
        yield
