"""A campaign's bucket: whose it is, what is in it, and how it is emptied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from epicat.aws.errors import code_of, user_errors
from epicat.aws.session import Aws
from epicat.errors import CloudError

__all__ = ["Contents", "contents", "delete_bucket", "empty", "find_bucket", "is_made_for"]

STORAGE_PER_GB_MONTH: Final = 0.023
"""Dollars for a gigabyte and month in S3 Standard; source: Amazon S3 Pricing, us-west-2, 2025."""
_COUNTED: Final = 10
"""Pages of 1,000 objects that are counted at most."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a bucket, as far as it was counted."""

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
    """Return whether a bucket is there and this account's own.

    Raises `CloudError` if another account has it: bucket names are global.
    """
    from botocore.exceptions import ClientError

    with user_errors(f"inspect bucket {name}", aws.region):
        try:
            aws.client("s3").head_bucket(Bucket=name, ExpectedBucketOwner=aws.account)
        except ClientError as error:
            if code_of(error) in ("404", "NoSuchBucket"):
                return False
            if code_of(error) in ("403", "AccessDenied"):
                raise CloudError(
                    f"bucket {name} is not this account's, or may not be seen: choose another "
                    "with --bucket"
                ) from error
            if code_of(error) == "301":
                raise CloudError(
                    f"bucket {name} is in another region than {aws.region}: give its --region, "
                    "or another --bucket"
                ) from error
            raise
    return True


def is_made_for(aws: Aws, name: str, stack_name: str) -> bool:
    """Return whether a stack has made a bucket, by the tag that it then has."""
    from botocore.exceptions import ClientError

    with user_errors(f"inspect bucket {name}", aws.region):
        try:
            tags = aws.client("s3").get_bucket_tagging(Bucket=name)["TagSet"]
        except ClientError as error:
            if code_of(error) == "NoSuchTagSet":
                return False
            raise
    return {"Key": "epicat:stack", "Value": stack_name} in tags


def contents(aws: Aws, name: str, prefix: str) -> Contents:
    """Count what is in a bucket; stops at ten thousand objects."""
    with user_errors(f"list bucket {name}", aws.region):
        pages = aws.pages("s3", "list_objects_v2", Bucket=name, Prefix=prefix)
        read = list(islice(pages, _COUNTED))
    found = [item for page in read for item in page.get("Contents", [])]
    is_all = not read or not read[-1].get("IsTruncated", False)
    return Contents(len(found), sum(item["Size"] for item in found), is_all)


def empty(aws: Aws, name: str, prefix: str) -> int:
    """Delete all objects, their versions and unfinished uploads; return how many objects."""
    client = aws.client("s3")
    deleted = 0
    with user_errors(f"empty bucket {name}", aws.region):
        found = _versions(aws, name, prefix)
        while versions := list(islice(found, 1000)):
            response = client.delete_objects(
                Bucket=name, Delete={"Objects": versions, "Quiet": True}
            )
            if errors := response.get("Errors"):
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
    """Delete a bucket that is empty."""
    with user_errors(f"delete bucket {name}", aws.region):
        aws.client("s3").delete_bucket(Bucket=name)


def _versions(aws: Aws, name: str, prefix: str) -> Iterator[dict[str, Any]]:
    for page in aws.pages("s3", "list_object_versions", Bucket=name, Prefix=prefix):
        for item in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
            yield {"Key": item["Key"], "VersionId": item["VersionId"]}
