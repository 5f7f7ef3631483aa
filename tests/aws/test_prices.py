from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from epicat.archive.registry import PUBLIC_ARCHIVES
from epicat.aws.bill import billed
from epicat.aws.prices import PRICE_PER_GB, cross_region_warning, side_costs


def test_every_known_archive_has_a_price():
    assert {known.region for known in PUBLIC_ARCHIVES.values()} <= PRICE_PER_GB.keys()


def test_only_what_crosses_regions_is_warned_of():
    assert cross_region_warning("scedc", "us-west-2", "us-west-2") is None
    told = cross_region_warning("ncedc", "us-east-2", "us-west-2") or ""
    assert "$0.02, a station-year of about 7 GB $0.14" in told
    assert "--region us-east-2" in told
    assert "$0.01" in (cross_region_warning("ncedc", "us-east-2", "us-east-1") or "")
    assert "costs extra" in (cross_region_warning("mine", "eu-west-1", "us-west-2") or "")


class _CostExplorer:
    """Two pages of an answer in its documented form."""

    region = "us-west-2"

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def client(self, service: str) -> Any:
        assert service == "ce"
        return self

    def get_cost_and_usage(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request)
        groups = [
            {"Keys": [name], "Metrics": {"UnblendedCost": {"Amount": amount, "Unit": "USD"}}}
            for name, amount in (("Amazon Elastic Container Service", "1.25"), ("AWS Tax", "0.1"))
        ]
        more = {} if "NextPageToken" in request else {"NextPageToken": "2"}
        return {"ResultsByTime": [{"Groups": groups}], **more}


def test_the_bill_is_added_up_by_service():
    aws = _CostExplorer()
    found = billed(aws, "epicat-x", date(2026, 1, 2))  # type: ignore[arg-type]
    assert found == pytest.approx({"Amazon Elastic Container Service": 2.5, "AWS Tax": 0.2})
    assert [request.get("NextPageToken") for request in aws.asked] == [None, "2"]
    assert aws.asked[0]["TimePeriod"]["Start"] == "2026-01-02"
    assert aws.asked[0]["Filter"]["Tags"] == {"Key": "epicat:stack", "Values": ["epicat-x"]}


def test_requests_and_logs_are_small_and_grow_with_jobs_and_keys():
    assert side_costs(0, 0) == 0
    assert side_costs(1000, 0) == pytest.approx(1000 * (10 * 5e-6 + 20 * 4e-7) + 0.002)
    assert side_costs(1000, 10**6) - side_costs(1000, 0) == pytest.approx(0.05)
