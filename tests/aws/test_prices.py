from __future__ import annotations

from epicat.archive.registry import PUBLIC_ARCHIVES
from epicat.aws.prices import PRICE_PER_GB, cross_region_warning


def test_every_known_archive_has_a_price():
    assert {known.region for known in PUBLIC_ARCHIVES.values()} <= PRICE_PER_GB.keys()


def test_only_what_crosses_regions_is_warned_of():
    assert cross_region_warning("scedc", "us-west-2", "us-west-2") is None
    told = cross_region_warning("ncedc", "us-east-2", "us-west-2") or ""
    assert "$0.02" in told
    assert "--region us-east-2" in told
    assert "$0.01" in (cross_region_warning("ncedc", "us-east-2", "us-east-1") or "")
    assert "costs extra" in (cross_region_warning("mine", "eu-west-1", "us-west-2") or "")
