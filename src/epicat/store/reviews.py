"""Reviews of events: accepted, rejected or commented, by whom and when.

Reviews are records of a store, which are never changed: a batch of reviews is a record.  Of several
reviews of an event the last one is valid.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from epicat.errors import InputError, NameChoiceError
from epicat.store.base import ReadableStore, Store

__all__ = ["STATUSES", "Review", "latest_reviews", "record_reviews"]

_KIND = "review"
STATUSES: Final = ("accepted", "rejected", "comment")
"""What a review can say; a comment leaves the status of an event as it is."""
_LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class Review:
    """A review of one event."""

    event_id: str
    """The event."""
    status: str
    """One of `STATUSES`."""
    by: str
    """Name of the reviewer."""
    comment: str = ""
    """Free text."""
    associator: str = ""
    """Digest of the associator that found the event."""
    time_ns: int = 0
    """Origin time of the event when it was reviewed."""
    latitude: float = 0.0
    """Latitude of the event when it was reviewed."""
    longitude: float = 0.0
    """Longitude of the event when it was reviewed."""
    reviewed_ns: int = 0
    """When it was reviewed, nanoseconds since 1970; 0 before it is recorded."""

    def __post_init__(self) -> None:
        """Raise `InputError` for an unknown status, a missing name or a text that is too long."""
        if self.status not in STATUSES:
            raise NameChoiceError("status of a review", self.status, STATUSES)
        if not self.by.strip():
            raise InputError("a review needs the name of the reviewer")
        if max(len(self.by), len(self.comment)) > _LONGEST:
            raise InputError(f"a review has at most {_LONGEST:,} letters")


def record_reviews(store: Store, reviews: Sequence[Review]) -> int:
    """Add a batch of reviews to a store; return the time of the batch, ns since 1970."""
    now = time.time_ns()
    if reviews:
        rows = [asdict(review) | {"reviewed_ns": now} for review in reviews]
        store.put_record(_KIND, f"{now:020d}-{uuid.uuid4().hex[:8]}", {"reviews": rows})
    return now


def latest_reviews(store: ReadableStore) -> dict[str, Review]:
    """Return the valid review of each event that has one, by event.

    Of equal times the batch with the larger name is valid.  A comment keeps the status of the
    review before it, and an empty comment the text.
    """
    found: dict[str, Review] = {}
    for review in _in_order(store.records(_KIND).values()):
        found[review.event_id] = _after(found.get(review.event_id), review)
    return found


def _in_order(records: Iterable[dict[str, Any]]) -> list[Review]:
    names = {field.name for field in fields(Review)}
    rows = [row for record in records for row in record["reviews"]]
    reviews = [Review(**{k: v for k, v in row.items() if k in names}) for row in rows]
    return sorted(reviews, key=lambda review: review.reviewed_ns)


def _after(before: Review | None, review: Review) -> Review:
    if before is None or review.status != "comment":
        return review
    values = {field.name: getattr(review, field.name) for field in fields(Review)}
    comment = review.comment or before.comment
    return Review(**(values | {"status": before.status, "comment": comment}))
