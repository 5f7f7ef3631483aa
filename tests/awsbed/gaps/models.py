"""Kinds of resources that moto's CloudFormation does not know."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

POLICIES: dict[str, dict[str, Any]] = {}
"""Policies of buckets, by the bucket's name."""


@cache
def define_models() -> None:
    """Make them: moto finds them by their being subclasses, so once and not before needed."""
    _define_secret()
    _define_policy()


def _define_secret() -> None:
    from moto.core.common_models import CloudFormationModel
    from moto.secretsmanager.models import secretsmanager_backends

    class Secret(CloudFormationModel):
        def __init__(self, arn: str) -> None:
            self.physical_resource_id = arn

        @staticmethod
        def cloudformation_name_type() -> str:
            return "Name"

        @staticmethod
        def cloudformation_type() -> str:
            return "AWS::SecretsManager::Secret"

        @classmethod
        def create_from_cloudformation_json(
            cls, name: str, resource: dict[str, Any], account: str, region: str, **_: Any
        ) -> Secret:
            made = secretsmanager_backends[account][region].create_secret(
                name, None, None, resource["Properties"].get("Description"), None, None, None,
                [], force_overwrite=False,
            )  # fmt: skip
            return cls(json.loads(made)["ARN"])

        @classmethod
        def update_from_cloudformation_json(cls, original_resource: Secret, **_: Any) -> Secret:
            return original_resource

        @classmethod
        def delete_from_cloudformation_json(
            cls, name: str, _: dict[str, Any], account: str, region: str
        ) -> None:
            secretsmanager_backends[account][region].delete_secret(
                name, None, force_delete_without_recovery=True
            )

        def is_created(self) -> bool:
            return True


def _define_policy() -> None:
    from moto.core.common_models import CloudFormationModel

    class BucketPolicy(CloudFormationModel):
        def __init__(self, bucket: str) -> None:
            self.physical_resource_id = bucket

        @staticmethod
        def cloudformation_name_type() -> str:
            return ""

        @staticmethod
        def cloudformation_type() -> str:
            return "AWS::S3::BucketPolicy"

        @classmethod
        def create_from_cloudformation_json(
            cls, _: str, resource: dict[str, Any], *__: str, **___: Any
        ) -> BucketPolicy:
            bucket = resource["Properties"]["Bucket"]
            POLICIES[bucket] = resource["Properties"]["PolicyDocument"]
            return cls(bucket)

        @classmethod
        def update_from_cloudformation_json(
            cls, original_resource: BucketPolicy, **_: Any
        ) -> BucketPolicy:
            return original_resource

        @classmethod
        def delete_from_cloudformation_json(cls, name: str, *_: Any) -> None:
            POLICIES.pop(name, None)

        def is_created(self) -> bool:
            return True
