"""The bucket of a campaign: find, count, empty and delete it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from epicat._util.lists import batched
from epicat.aws.errors import code_of, translated_errors
from epicat.aws.session import Aws
from epicat.errors import CloudError

__all__ = [
    "Contents",
    "contents",
    "delete_bucket",
    "empty",
    "find_bucket",
    "is_made_for",
    "kms_key",
]

STORAGE_PER_GB_MONTH: Final = 0.023
"""Dollars for a gigabyte and month in S3 Standard; source: Amazon S3 Pricing, us-west-2, 2025."""
_COUNTED: Final = 10
"""Pages of 1,000 objects that are counted."""


@dataclass(frozen=True, slots=True)
class Contents:
    """The contents of a bucket, as far as counted."""

    objects: int
    """Number of objects."""
    size: int
    """Their size in bytes."""
    is_all: bool
    """Whether all were counted."""

    def __str__(self) -> str:
        least = "" if self.is_all else "more than "
        return f"{least}{self.objects:,} objects, {self.size / 1e9:,.3f} GB"


def find_bucket(aws: Aws, name: str) -> bool:
    """Return whether a bucket of this account exists.

    Raises `CloudError` if it belongs to another account: bucket names are globally unique.
    """
    from botocore.exceptions import ClientError

    with translated_errors(f"inspect bucket {name}", aws.region):
        try:
            found = aws.client("s3").head_bucket(Bucket=name, ExpectedBucketOwner=aws.account)
        except ClientError as error:
            if code_of(error) in ("404", "NoSuchBucket"):
                return False
            if code_of(error) in ("403", "AccessDenied"):
                raise CloudError(
                    f"bucket {name} belongs to another account or denies access: choose another "
                    "with --bucket"
                ) from error
            if code_of(error) == "301":
                raise CloudError(_elsewhere(name, "another region", aws.region)) from error
            raise
    region = _region_of(found)
    if region and region != aws.region:  # boto3 follows a redirect without a word
        raise CloudError(_elsewhere(name, region, aws.region))
    return True


def _region_of(answer: Mapping[str, Any]) -> str:
    """Return the region that a HeadBucket answer names; empty if it names none."""
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return str(answer.get("BucketRegion") or headers.get("x-amz-bucket-region", ""))


def _elsewhere(name: str, region: str, wanted: str) -> str:
    return (
        f"bucket {name} is in {region}, not in {wanted}: every read and write of the workers would "
        "cross regions and be billed. Give the bucket's --region, or another --bucket"
    )


def kms_key(aws: Aws, name: str) -> str:
    """Return the ARN or id of the customer's KMS key that encrypts a bucket; empty if none does."""
    from botocore.exceptions import ClientError

    with translated_errors(f"inspect the encryption of bucket {name}", aws.region):
        try:
            found = aws.client("s3").get_bucket_encryption(Bucket=name)
        except ClientError as error:
            if code_of(error) == "ServerSideEncryptionConfigurationNotFoundError":
                return ""
            raise
    for rule in found["ServerSideEncryptionConfiguration"]["Rules"]:
        default = rule.get("ApplyServerSideEncryptionByDefault", {})
        if str(default.get("SSEAlgorithm", "")).startswith("aws:kms"):
            return str(default.get("KMSMasterKeyID", ""))
    return ""


def is_made_for(aws: Aws, name: str, stack_name: str) -> bool:
    """Return whether a bucket was created by a stack, according to its tag."""
    from botocore.exceptions import ClientError

    with translated_errors(f"inspect bucket {name}", aws.region):
        try:
            tags = aws.client("s3").get_bucket_tagging(Bucket=name)["TagSet"]
        except ClientError as error:
            if code_of(error) == "NoSuchTagSet":
                return False
            raise
    return {"Key": "epicat:stack", "Value": stack_name} in tags


def contents(aws: Aws, name: str, prefix: str) -> Contents:
    """Count the objects in a bucket, up to ten thousand."""
    with translated_errors(f"list bucket {name}", aws.region):
        pages = aws.pages("s3", "list_objects_v2", Bucket=name, Prefix=prefix)
        pages_read = list(islice(pages, _COUNTED))
    found = [item for page in pages_read for item in page.get("Contents", [])]
    is_all = not pages_read or not pages_read[-1].get("IsTruncated", False)
    return Contents(len(found), sum(item["Size"] for item in found), is_all)


def empty(aws: Aws, name: str, prefix: str) -> int:
    """Delete all objects, versions and unfinished uploads; return the number of objects."""
    client = aws.client("s3")
    deleted = 0
    with translated_errors(f"empty bucket {name}", aws.region):
        for versions in batched(_versions(aws, name, prefix), 1000):
            answer = client.delete_objects(Bucket=name, Delete={"Objects": versions, "Quiet": True})
            if errors := answer.get("Errors"):
                raise CloudError(
                    f"{len(errors)} objects of {name} cannot be deleted, the first is "
                    f"{errors[0]['Key']!r}: {errors[0].get('Message', errors[0].get('Code'))}"
                )
            deleted += len(versions)
        for page in aws.pages("s3", "list_multipart_uploads", Bucket=name, Prefix=prefix):
            for upload in page.get("Uploads", []):
                client.abort_multipart_upload(
                    Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"]
                )
    return deleted


def delete_bucket(aws: Aws, name: str) -> None:
    """Delete an empty bucket."""
    with translated_errors(f"delete bucket {name}", aws.region):
        aws.client("s3").delete_bucket(Bucket=name)


def _versions(aws: Aws, name: str, prefix: str) -> Iterator[dict[str, Any]]:
    for page in aws.pages("s3", "list_object_versions", Bucket=name, Prefix=prefix):
        for item in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
            yield {"Key": item["Key"], "VersionId": item["VersionId"]}
