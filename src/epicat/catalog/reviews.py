"""Reviews of the events of a catalog, also those of events of an earlier association."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from epicat.export.quakes import Part, Verdict
from epicat.geo import distance_azimuth
from epicat.store.reviews import Review

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

__all__ = [
    "EventReview",
    "accepted_ids",
    "matched_reviews",
    "only_accepted",
    "reviewed_parts",
]

WITHIN_S: Final = 5.0
"""Origin times of the same earthquake in two associations differ by no more."""
WITHIN_KM: Final = 30.0
"""Epicenters of the same earthquake in two associations are no farther apart."""


@dataclass(frozen=True, slots=True)
class EventReview:
    """The valid review of an event of a catalog."""

    event_id: str
    """The event of the catalog."""
    review: Review
    """Its review; of another event of an earlier association where it is stale."""
    is_stale: bool
    """Whether the reviewed event is of another association, and was matched by time and place."""


def matched_reviews(reviews: Collection[Review], events: pa.Table) -> list[EventReview]:
    """Return the reviews that belong to ``events``, in the order of time.

    A review of an event that is not among them belongs to the nearest event in time, if time and
    place differ by at most `WITHIN_S` and `WITHIN_KM`, and is stale.  A review of the event itself
    takes precedence over a stale one, the newer stale one over an older one.
    """
    ids = events["event_id"].to_pylist()
    rows = {name: at for at, name in enumerate(ids)}
    found: dict[str, EventReview] = {}
    for review in sorted(reviews, key=lambda r: r.reviewed_ns):
        if review.event_id in rows:
            found[review.event_id] = EventReview(review.event_id, review, False)
            continue
        at = _nearest(review, events)
        if at is not None and (ids[at] not in found or found[ids[at]].is_stale):
            found[ids[at]] = EventReview(ids[at], review, True)
    return sorted(found.values(), key=lambda one: rows[one.event_id])


def _nearest(review: Review, events: pa.Table) -> int | None:
    times = events["time"].cast(pa.int64()).to_numpy()
    reach = int(WITHIN_S * 1e9)
    low, high = np.searchsorted(times, [review.time_ns - reach, review.time_ns + reach + 1])
    if low == high:
        return None
    some = events.slice(low, high - low)
    distance, _ = distance_azimuth(
        np.full(some.num_rows, review.latitude),
        np.full(some.num_rows, review.longitude),
        some["latitude"].to_numpy(),
        some["longitude"].to_numpy(),
    )
    late = np.abs(times[low:high] - review.time_ns) / reach + distance / WITHIN_KM
    late[distance > WITHIN_KM] = np.inf
    best = int(np.argmin(late))
    return int(low) + best if np.isfinite(late[best]) else None


def reviewed_parts(
    parts: Iterable[Part], reviews: Collection[EventReview], *, only_accepted: bool
) -> Iterator[Part]:
    """Give the parts with the verdicts of reviewers, or only the events that they accepted.

    Stale reviews are not given: nobody has seen the event as it is.
    """
    own = {r.event_id: r.review for r in reviews if not r.is_stale}
    verdicts = {name: Verdict(r.status, r.by, r.comment) for name, r in own.items()}
    accepted = accepted_ids(reviews)
    for part in parts:
        events = part.events
        if only_accepted:
            events = events.filter(pc.is_in(events["event_id"], value_set=accepted))
        yield replace(part, events=events, verdicts=verdicts)


def accepted_ids(reviews: Collection[EventReview]) -> pa.Array:
    """Return the ids of the events that a reviewer accepted, not counting stale reviews."""
    own = [r.event_id for r in reviews if r.review.status == "accepted" and not r.is_stale]
    return pa.array(own, pa.string())


def only_accepted(events: pa.Table, reviews: Collection[EventReview]) -> pa.Table:
    """Return the events that a reviewer accepted."""
    return events.filter(pc.is_in(events["event_id"], value_set=accepted_ids(reviews)))
