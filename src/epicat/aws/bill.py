"""The bill of a stack, as far as Cost Explorer has it."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta

from epicat.aws.errors import translated_errors
from epicat.aws.session import Aws

__all__ = ["billed"]

_TAG = "epicat:stack"


def billed(aws: Aws, stack_name: str, since: date) -> dict[str, float]:
    """Return dollars by service since a day, from the costs that carry the stack's tag.

    The tag must be activated as a cost allocation tag; costs appear about a day later.  Each
    request to Cost Explorer costs $0.01.  Raises `CloudError`.
    """
    end = datetime.now(UTC).date() + timedelta(days=1)
    request = {
        "TimePeriod": {"Start": f"{since:%Y-%m-%d}", "End": f"{end:%Y-%m-%d}"},
        "Granularity": "MONTHLY",
        "Metrics": ["UnblendedCost"],
        "Filter": {"Tags": {"Key": _TAG, "Values": [stack_name]}},
        "GroupBy": [{"Type": "DIMENSION", "Key": "SERVICE"}],
    }
    dollars: defaultdict[str, float] = defaultdict(float)
    with translated_errors("read the bill from Cost Explorer", aws.region):
        while True:
            page = aws.client("ce").get_cost_and_usage(**request)
            for month in page["ResultsByTime"]:
                for group in month["Groups"]:
                    amount = group["Metrics"]["UnblendedCost"]["Amount"]
                    dollars[group["Keys"][0]] += float(amount)
            if not page.get("NextPageToken"):
                return dict(dollars)
            request["NextPageToken"] = page["NextPageToken"]
