"""Batch in moto's CloudFormation: changes, deletion, and what it drops of job definitions."""

from __future__ import annotations

from typing import Any


def calls() -> dict[type, dict[str, Any]]:
    """Return what to do for each kind of resource, by ``create``, ``update``, ``delete``."""
    from moto.batch import models

    return {
        models.ComputeEnvironment: {"update": _update_environment, "delete": _delete_environment},
        models.JobQueue: {"update": _update_queue, "delete": _delete_queue},
        models.JobDefinition: {
            "create": _create_definition,
            "update": _update_definition,
            "delete": _delete_definition,
        },
    }


def _lower(properties: Any) -> Any:
    from moto.batch.utils import lowercase_first_key

    return lowercase_first_key(properties)


def _backend(account: str, region: str) -> Any:
    from moto.batch.models import batch_backends

    return batch_backends[account][region]


def _update_environment(
    original_resource: Any, cloudformation_json: dict[str, Any], **_: Any
) -> Any:
    original_resource.compute_resources = _lower(
        cloudformation_json["Properties"]["ComputeResources"]
    )
    return original_resource


def _delete_environment(name: str, _: dict[str, Any], account: str, region: str) -> None:
    _backend(account, region).delete_compute_environment(name)


def _update_queue(
    original_resource: Any,
    cloudformation_json: dict[str, Any],
    account_id: str,
    region_name: str,
    **_: Any,
) -> Any:
    properties = cloudformation_json["Properties"]
    order = [_lower(item) for item in properties["ComputeEnvironmentOrder"]]
    _backend(account_id, region_name).update_job_queue(
        original_resource.name, properties["Priority"], properties.get("State"), order, None
    )
    return original_resource


def _delete_queue(name: str, _: dict[str, Any], account: str, region: str) -> None:
    _backend(account, region).delete_job_queue(name)


def _create_definition(
    name: str, resource: dict[str, Any], account: str, region: str, **_: Any
) -> Any:
    properties = resource["Properties"]
    container = _lower(properties["ContainerProperties"])
    for item in [*container["resourceRequirements"], *container.get("environment", [])]:
        item["value"] = str(item["value"])
    return _backend(account, region).register_job_definition(
        def_name=name,
        parameters=properties.get("Parameters", {}),
        _type=properties["Type"],
        tags=properties.get("Tags", {}),
        retry_strategy=_lower(properties.get("RetryStrategy", {})),
        container_properties=container,
        node_properties=None,
        eks_properties=None,
        timeout=_lower(properties.get("Timeout", {})),
        platform_capabilities=properties.get("PlatformCapabilities"),
        propagate_tags=properties.get("PropagateTags"),
    )


def _update_definition(
    original_resource: Any,
    new_resource_name: str,
    cloudformation_json: dict[str, Any],
    account_id: str,
    region_name: str,
) -> Any:
    made = _create_definition(new_resource_name, cloudformation_json, account_id, region_name)
    retention = cloudformation_json["Properties"].get("ResourceRetentionPolicy", {})
    if not retention.get("SkipDeregisterOnUpdate"):  # as AWS does it unless asked not to
        original_resource.deregister()
    return made


def _delete_definition(name: str, _: dict[str, Any], account: str, region: str) -> None:
    _backend(account, region).deregister_job_definition(name)
