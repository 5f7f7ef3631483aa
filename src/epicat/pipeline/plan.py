"""The plan: which units of work a campaign needs, as a stream.

Results are kept by key (station-day, block); a unit is a bundle of keys for one worker.  However
the keys are bundled, the same ones are found done.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice

from epicat.campaign.campaign import Campaign
from epicat.campaign.options import Partition
from epicat.model import LedgerEntry, Span, Stage, StationDay, StationDayEntry, Status, digest_of
from epicat.pipeline.ledger_view import LedgerView
from epicat.time import DAY_NS, iso, parse_time

__all__ = [
    "Unit",
    "block_key",
    "block_span",
    "block_units",
    "inputs_digest",
    "pick_units",
    "planned_keys",
]


@dataclass(frozen=True, slots=True)
class Unit:
    """Keys for one worker.  Plain data."""

    stage: Stage
    """What is to be done with the keys."""
    keys: tuple[str, ...]
    """Station-days or blocks."""
    needs: Span | None = None
    """For blocks: the days whose picks must be there first."""
    recheck: bool = False
    """For station-days that have a result: compute again only if their objects have changed.

    An object that could not be had before has."""
    after_ns: int = 0
    """The newest mark that the keys had: theirs will be newer, whatever the clock says by then."""

    @property
    def name(self) -> str:
        """Return a short name for people: the first key, and how many there are."""
        more = f" and {len(self.keys) - 1} more" if len(self.keys) > 1 else ""
        return f"{self.stage.value} {self.keys[0]}{more}"


def pick_units(
    campaign: Campaign, partition: Partition, known: LedgerView, *, recheck: bool = False
) -> Iterator[Unit]:
    """Return the units of picking that are due, early days first.

    With ``recheck``, settled station-days come too, to compare their objects; without it, those
    of which some object could not be had.
    """
    days = campaign.span.days()
    while chunk := list(islice(days, partition.days_per_unit)):
        for names in _batched(campaign.names, partition.stations_per_unit):
            keys = list(planned_keys(campaign, names, chunk))
            is_settled = [known.settles(k, campaign.archive, campaign.layout) for k in keys]
            fresh = [str(k) for k, s in zip(keys, is_settled, strict=True) if not s]
            settled = [
                str(k)
                for k, s in zip(keys, is_settled, strict=True)
                if s and (recheck or known.lacks(k))
            ]
            if fresh:
                yield Unit(Stage.PICK, tuple(fresh), after_ns=_newest(fresh, known.picks))
            if settled:
                after_ns = _newest(settled, known.picks)
                yield Unit(Stage.PICK, tuple(settled), recheck=True, after_ns=after_ns)


def planned_keys(
    campaign: Campaign, names: Iterable[str], days: Sequence[date]
) -> Iterator[StationDay]:
    """Return the station-days of places and days, without those before and after a place's time.

    A day that an epoch touches is one of them.  A campaign that only associates has none.
    """
    if campaign.bundle is None:
        return iter(())
    keys = (StationDay(name, day) for name in names for day in days)
    return (key for key in keys if campaign.operates(key))


def block_units(
    campaign: Campaign, partition: Partition, known: LedgerView, pending_days: Iterable[date]
) -> Iterator[Unit]:
    """Return the units of association that are due, early blocks first.

    Due are blocks that were never associated, whose picks have changed since, or whose picks
    may change now because picking is due on days within their reach.  That includes blocks of
    earlier campaigns next to this one.
    """
    pending = set(pending_days)
    window_ns = partition.window_days * DAY_NS
    due: dict[int, list[Span]] = {}
    for block in _blocks(campaign, known):
        if _is_due(block, campaign, known, pending):
            due.setdefault((block.start_ns - campaign.span.start_ns) // window_ns, []).append(block)
    for window in sorted(due):
        blocks = due[window]
        needs = Span(blocks[0].start_ns, blocks[-1].end_ns).widened(campaign.design.reach_ns)
        keys = tuple(block_key(block) for block in blocks)
        yield Unit(Stage.ASSOCIATE, keys, needs, after_ns=_newest(keys, known.blocks))


def _newest(keys: Iterable[str], known: Mapping[str, LedgerEntry]) -> int:
    entries = (known.get(key) for key in keys)
    return max((entry.marked_ns for entry in entries if entry), default=0)


def _blocks(campaign: Campaign, known: LedgerView) -> list[Span]:
    """Return the campaign's blocks, and older ones whose picks it may change."""
    length = campaign.design.block_ns
    first, last = campaign.span.start_ns // length, (campaign.span.end_ns - 1) // length
    own = {Span(i * length, (i + 1) * length) for i in range(first, last + 1)}
    near = campaign.span.widened(campaign.design.reach_ns)
    older = {block_span(key, length) for key in known.blocks}
    return sorted(own | {block for block in older if block.overlaps(near)})


def _is_due(block: Span, campaign: Campaign, known: LedgerView, pending: set[date]) -> bool:
    entry = known.blocks.get(block_key(block))
    if entry is None or entry.status == Status.FAILED:
        return True
    reach = block.widened(campaign.design.reach_ns)
    if pending.intersection(reach.days()):
        return True
    return entry.inputs != inputs_digest(known.picks, campaign.pick_names, reach)


def inputs_digest(picks: Mapping[str, StationDayEntry], names: Sequence[str], reach: Span) -> str:
    """Return a digest of the pick results that a block uses: every station-day in its reach."""
    keys = (str(StationDay(name, day)) for day in reach.days() for name in names)
    found = ((key, picks.get(key)) for key in keys)
    return digest_of(*(f"{key}={entry.result}" for key, entry in found if entry))


def block_key(block: Span) -> str:
    """Return the key of a block: its start."""
    return iso(block.start_ns)


def block_span(key: str, length_ns: int) -> Span:
    """Return the block of a key."""
    start = parse_time(key)
    return Span(start, start + length_ns)


def _batched(names: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for begin in range(0, len(names), size):
        yield names[begin : begin + size]
