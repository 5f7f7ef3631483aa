"""What moto's CloudFormation leaves out of the stack: filled while a test runs.

- `AWS::SecretsManager::Secret`: made without a value, as on AWS, and deleted for good.
- `AWS::S3::BucketPolicy`: only taken note of.  It demands TLS, which the loopback does not have.
- Batch: queues and environments are changed in place and deleted; a changed job definition is a new
  revision; timeouts and platforms are kept.
- Network: endpoints, gateways and route tables are deleted.
- Conditions: an update also reaches what only a condition ties to a changed parameter.
- Change sets: an executed one leaves outputs and parameters, a failed one a stack rolled back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

from awsbed.gaps import batch, network
from awsbed.gaps.conditions import minding
from awsbed.gaps.models import POLICIES, define_models
from awsbed.gaps.stacks import executing

__all__ = ["POLICIES", "filled"]


@contextmanager
def filled() -> Iterator[None]:
    """Let moto's CloudFormation know the rest."""
    from moto.cloudformation import parsing

    define_models()
    for cached in (parsing.get_model_list, parsing.get_model_map, parsing.get_name_type_map):
        cached.cache_clear()
    with ExitStack() as stack:
        for model, calls in (batch.calls() | network.calls()).items():
            for name, call in calls.items():
                whole = f"{name}_from_cloudformation_json"
                stack.enter_context(patch.object(model, whole, staticmethod(call)))
        stack.enter_context(minding())
        stack.enter_context(executing())
        yield
