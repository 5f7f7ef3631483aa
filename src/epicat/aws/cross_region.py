"""What it means that an archive is in another region than the stack."""

from __future__ import annotations

from typing import Final

__all__ = ["PRICE_PER_GB", "crossing"]

PRICE_PER_GB: Final[dict[str, float]] = {
    "us-east-1": 0.02,
    "us-east-2": 0.02,
    "us-west-2": 0.02,
    "ap-southeast-2": 0.098,
}
"""Dollars for a gigabyte from a region's S3 to another region.

Source: Amazon S3 Pricing, "Data transfer", "Data Transfer OUT From Amazon S3 To", as published in
2025.  Only the region it leaves counts; the owner of the bucket pays, unless the bucket is
"requester pays".
"""
_NEIGHBOURS: Final = frozenset({"us-east-1", "us-east-2"})
_NEIGHBOURS_PRICE: Final = 0.01


def crossing(archive: str, archive_region: str, stack_region: str) -> str | None:
    """Return a warning if reading an archive crosses regions, or None."""
    if archive_region == stack_region:
        return None
    price = PRICE_PER_GB.get(archive_region)
    if {archive_region, stack_region} == _NEIGHBOURS:
        price = _NEIGHBOURS_PRICE
    cost = "is billed" if price is None else f"costs ${price:g}"
    return (
        f"{archive} is in {archive_region}, the stack in {stack_region}: each GB that is read "
        f"crosses regions, which is slower, does not go by the S3 endpoint and {cost} (public "
        f"price of 2025; it is the bucket's owner who pays, unless readers do); --region "
        f"{archive_region} avoids it"
    )
