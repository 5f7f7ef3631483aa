from __future__ import annotations

from epicat.archive.registry import PUBLIC_ARCHIVES
from epicat.aws.cross_region import PRICE_PER_GB, crossing


def test_every_known_archive_has_a_price():
    assert {known.region for known in PUBLIC_ARCHIVES.values()} <= PRICE_PER_GB.keys()


def test_only_what_crosses_regions_is_warned_of():
    assert crossing("scedc", "us-west-2", "us-west-2") is None
    told = crossing("ncedc", "us-east-2", "us-west-2") or ""
    assert "$0.02" in told
    assert "--region us-east-2" in told
    assert "$0.01" in (crossing("ncedc", "us-east-2", "us-east-1") or "")
    assert "is billed" in (crossing("mine", "eu-west-1", "us-west-2") or "")
