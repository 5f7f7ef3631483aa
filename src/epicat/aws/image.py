"""The workers' image: whether it exists, for which processors, in which region."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.request import urlopen

from epicat.aws.public_image import MANIFESTS, architectures, find_public_image
from epicat.aws.session import Aws, try_call
from epicat.aws.template import ECR_IMAGE
from epicat.errors import InputError

__all__ = ["check_image", "image_problem", "image_warnings"]

COMPRESSED_GB: Final = 0.21
"""Size of epicat's image in a registry, see docs/howto/image.md."""
REGIONS_PER_GB: Final = 0.02
"""Dollars for a gigabyte between regions.  Source: Amazon EC2 On-Demand Pricing, "Data Transfer",
us-west-2, 2025."""
_PLATFORMS: Final = {"X86_64": "amd64", "ARM64": "arm64"}
_TIMEOUT_S: Final = 10


@dataclass(frozen=True, slots=True)
class _EcrImage:
    """The parts of the name of an image in a private repository."""

    account: str
    region: str
    repository: str
    reference: dict[str, str]

    @classmethod
    def parse(cls, image: str) -> _EcrImage | None:
        """Return the parts; None for images of other registries."""
        found = ECR_IMAGE.match(image)
        if found is None:
            return None
        account, region, _, path = found.groups()
        name, _, digest = (path + image[found.end() :]).partition("@")
        name, _, tag = name.partition(":")
        reference = {"imageDigest": digest} if digest else {"imageTag": tag or "latest"}
        return cls(account, region, name, reference)


def check_image(aws: Aws, parameters: Mapping[str, str]) -> None:
    """Raise `InputError` if jobs of a stack could not start with its image."""
    problem = image_problem(aws, parameters)
    if problem:
        raise InputError(problem)


def image_warnings(aws: Aws, parameters: Mapping[str, str]) -> Iterator[str]:
    """Warn if jobs cannot start with the image, or pull it from another region."""
    image = _EcrImage.parse(parameters["Image"])
    if image is not None and image.region != aws.region:
        dollars = 1000 * COMPRESSED_GB * REGIONS_PER_GB
        yield (
            f"image {parameters['Image']} is in {image.region}, the stack in {aws.region}: every "
            f"start of a job pulls it across regions, slower and for about ${dollars:.2f} per "
            "1,000 starts. Push it to a repository in the stack's region"
        )
    problem = image_problem(aws, parameters)
    if problem:
        yield problem


def image_problem(aws: Aws, parameters: Mapping[str, str]) -> str | None:
    """Return why no job can start with the image; None if nothing is wrong or visible.

    Images of other regions, and those that these credentials or the public may not read, are not
    inspected.
    """
    name, wanted = parameters["Image"], _PLATFORMS[parameters["Architecture"]]
    image = _EcrImage.parse(name)
    if image is None:
        public = find_public_image(name)
        if public is None:
            return None
        if not public.exists:
            return f"image {name} does not exist in its registry"
        return _platform_problem(name, wanted, public.platforms)
    return None if image.region != aws.region else _ecr_problem(aws, name, image, wanted)


def _ecr_problem(aws: Aws, name: str, image: _EcrImage, wanted: str) -> str | None:
    answer = try_call(
        aws, "ecr", "batch_get_image", registryId=image.account, repositoryName=image.repository,
        imageIds=[image.reference], acceptedMediaTypes=list(MANIFESTS),
    )  # fmt: skip
    if answer is None:
        return None
    if not answer.get("images"):
        reason = next((f.get("failureReason", "") for f in answer.get("failures", [])), "")
        why = f" ({reason})" if reason else ""
        return f"image {name} is not in its repository{why}: push it first"
    platforms = _platforms(aws, image, json.loads(answer["images"][0]["imageManifest"]))
    return _platform_problem(name, wanted, platforms)


def _platform_problem(name: str, wanted: str, platforms: frozenset[str]) -> str | None:
    """Return the problem of an image that is not built for the processors of jobs."""
    if not platforms or wanted in platforms:
        return None
    return (
        f"image {name} is built for {', '.join(sorted(platforms))}, jobs run on {wanted}: "
        f"build it with --platform linux/{wanted} (on an ARM Mac too), or run `epicat cloud up "
        f"{'--x86-64' if wanted == 'arm64' else '--arm64'}`"
    )


def _platforms(aws: Aws, image: _EcrImage, manifest: Mapping[str, Any]) -> frozenset[str]:
    """Return the architectures of an index or of a single image; none if they are unknown."""
    if "manifests" in manifest:
        return architectures(manifest)
    digest = str(manifest.get("config", {}).get("digest", ""))
    return frozenset({_architecture(aws, image, digest)} - {""})


def _architecture(aws: Aws, image: _EcrImage, digest: str) -> str:
    """Return the architecture in the configuration of a single image; empty if unknown."""
    if not digest:
        return ""
    answer = try_call(
        aws, "ecr", "get_download_url_for_layer", registryId=image.account,
        repositoryName=image.repository, layerDigest=digest,
    )  # fmt: skip
    if answer is None:
        return ""
    try:
        with urlopen(answer["downloadUrl"], timeout=_TIMEOUT_S) as body:  # noqa: S310 # nosec B310 - ECR's
            return str(json.load(body).get("architecture", ""))
    except (OSError, ValueError):
        return ""
