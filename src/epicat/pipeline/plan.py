"""The units of work that a campaign needs, as a stream.

Results are stored by key (station-day or block); a unit is a group of keys for one worker.  The
same keys are found done, however they are grouped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from epicat._util.lists import batched
from epicat.association.design import Design
from epicat.campaign.campaign import Campaign
from epicat.campaign.options import Partition
from epicat.ledger import (
    BlockEntry,
    LedgerEntry,
    LocateEntry,
    MagnitudeEntry,
    MeasureEntry,
    Stage,
    StationDayEntry,
    Status,
)
from epicat.locate.design import LocationDesign
from epicat.model import Span, StationDay, digest_of
from epicat.pipeline.ledger_view import WITHOUT_WAVEFORMS, LedgerView
from epicat.pipeline.stages.measure_day import responses_digest
from epicat.time import DAY_NS, SECOND_NS, day_name, iso, parse_time

__all__ = [
    "Unit",
    "block_key",
    "block_needs",
    "block_span",
    "block_unit",
    "block_units",
    "blocks_of_units",
    "has_magnitudes",
    "inputs_digest",
    "is_located",
    "is_measured",
    "location_inputs",
    "magnitude_inputs",
    "magnitude_span",
    "n_planned",
    "near_blocks",
    "near_keys",
    "pick_units",
    "planned_keys",
]


_BEFORE_NS, _AFTER_NS = 120 * SECOND_NS, 900 * SECOND_NS
"""How far from a block the amplitudes of its events may be: noise, and waves of distant events."""


@dataclass(frozen=True, slots=True)
class Unit:
    """Keys for one worker, plain data."""

    stage: Stage
    """What to do with the keys."""
    keys: tuple[str, ...]
    """Station-days or blocks."""
    needs: Span | None = None
    """For blocks: the days that must be picked first."""
    recheck: bool = False
    """For station-days with a result: recompute only if their objects have changed.

    An object that could not be obtained before has changed."""
    measure_only: bool = False
    """For station-days with picks: only measure their amplitudes."""
    after_ns: int = 0
    """The newest commit time of the keys; new commits are later, even if a clock is set back."""

    @property
    def name(self) -> str:
        """A short description: the stage, the first key and the number of others."""
        more = f" and {len(self.keys) - 1} more" if len(self.keys) > 1 else ""
        return f"{self.stage.value} {self.keys[0]}{more}"


def pick_units(
    campaign: Campaign, partition: Partition, ledger: LedgerView, *, recheck: bool = False
) -> Iterator[Unit]:
    """Yield the units of picking that are due, in the order of days.

    With ``recheck``, finished station-days are included, to compare their objects; without it,
    only those of which some object could not be obtained.
    """
    days = campaign.span.days()
    for chunk in batched(days, partition.days_per_unit):
        for names in batched(campaign.names, partition.stations_per_unit):
            due, again, unmeasured = _due_keys(names, chunk, campaign, ledger, recheck=recheck)
            if due:
                yield Unit(Stage.PICK, tuple(due), after_ns=_newest_of_days(due, ledger))
            if again:
                after_ns = _newest_of_days(again, ledger)
                yield Unit(Stage.PICK, tuple(again), recheck=True, after_ns=after_ns)
            if unmeasured:
                after_ns = _newest_of_days(unmeasured, ledger)
                yield Unit(Stage.PICK, tuple(unmeasured), measure_only=True, after_ns=after_ns)


def is_measured(
    campaign: Campaign,
    key: StationDay,
    picked: StationDayEntry | None,
    measured: MeasureEntry | None,
) -> bool:
    """Return whether the amplitudes of a picked station-day need no work.

    They do if the picks or the responses have changed, or if the measurement failed.
    """
    if campaign.amplitudes is None or picked is None or picked.status in WITHOUT_WAVEFORMS:
        return True
    if measured is None or measured.status == Status.FAILED:
        return False
    return (measured.inputs, measured.responses) == (picked.result, responses_digest(campaign, key))


def _newest_of_days(keys: Sequence[str], ledger: LedgerView) -> int:
    return max(_newest(keys, ledger.picks), _newest(keys, ledger.measures))


def _due_keys(
    names: Sequence[str],
    days: Sequence[date],
    campaign: Campaign,
    ledger: LedgerView,
    *,
    recheck: bool,
) -> tuple[list[str], list[str], list[str]]:
    """Return the keys without a result, those to compare again, and those to measure."""
    if not ledger.picks:
        return _new_keys(campaign, names, days), [], []
    due, again, unmeasured = [], [], []
    for key in planned_keys(campaign, names, days):
        orientation = campaign.orientation_of(key)
        if not ledger.is_done(key, campaign.archive, campaign.layout, orientation):
            due.append(str(key))
        elif recheck or ledger.is_incomplete(key):
            again.append(str(key))
        elif not is_measured(
            campaign, key, ledger.picks.get(str(key)), ledger.measures.get(str(key))
        ):
            unmeasured.append(str(key))
    return due, again, unmeasured


def planned_keys(
    campaign: Campaign, names: Iterable[str], days: Sequence[date]
) -> Iterator[StationDay]:
    """Yield the station-days of places and days on which the place operates.

    A campaign that only associates has none.
    """
    if campaign.bundle is None:
        return
    operates = campaign.operates
    for name in names:
        for day in days:
            key = StationDay(name, day)
            if operates(key):
                yield key


def _new_keys(campaign: Campaign, names: Iterable[str], days: Sequence[date]) -> list[str]:
    """Return the texts of `planned_keys`: the first plan of a campaign asks for millions."""
    if campaign.bundle is None:
        return []
    labels = [f"/{day_name(day)}" for day in days]
    keys: list[str] = []
    for name in names:
        if name in campaign.always_operating:
            keys += [name + label for label in labels]
        else:
            keys += map(str, planned_keys(campaign, [name], days))
    return keys


def n_planned(campaign: Campaign) -> int:
    """Return the number of station-days of a campaign, finished or not."""
    if campaign.bundle is None:
        return 0
    days = list(campaign.span.days())
    others = [name for name in campaign.names if name not in campaign.always_operating]
    always = len(campaign.names) - len(others)
    return always * len(days) + sum(1 for _ in planned_keys(campaign, others, days))


def block_units(
    campaign: Campaign, partition: Partition, ledger: LedgerView, pending_days: Iterable[date]
) -> Iterator[Unit]:
    """Yield the units of association that are due, in the order of time.

    A block is due if it was never associated, if its picks have changed since, or if they may
    change now because picking is due within its reach.  That includes blocks of earlier
    campaigns adjacent to this one.
    """
    pending = set(pending_days)
    for blocks in blocks_of_units(campaign, partition, ledger):
        unit = block_unit(campaign, ledger, blocks, pending)
        if unit is not None:
            yield unit


def blocks_of_units(
    campaign: Campaign, partition: Partition, ledger: LedgerView
) -> Iterator[list[Span]]:
    """Yield the blocks of each unit, due or not, in the order of time.

    The blocks of a unit are in the same window of days.
    """
    window_ns = partition.window_days * DAY_NS

    def window(block: Span) -> int:
        return (block.start_ns - campaign.span.start_ns) // window_ns

    for _, blocks in groupby(_blocks(campaign, ledger), window):
        if partition.blocks_per_unit is None:
            yield list(blocks)
        else:
            yield from batched(blocks, partition.blocks_per_unit)


def block_unit(
    campaign: Campaign, ledger: LedgerView, blocks: Iterable[Span], pending: set[date]
) -> Unit | None:
    """Return the unit of the blocks that are due, or None if none is.

    ``pending`` are the days on which picking is due, as far as the blocks can reach.
    """
    due = [block for block in blocks if _is_due(block, campaign, ledger, pending)]
    if not due:
        return None
    keys = tuple(block_key(block) for block in due)
    needs = block_needs(campaign, due)
    return Unit(Stage.ASSOCIATE, keys, needs, after_ns=_newest(keys, ledger.blocks))


def block_needs(campaign: Campaign, blocks: Sequence[Span]) -> Span:
    """Return the time whose picks consecutive blocks use."""
    return Span(blocks[0].start_ns, blocks[-1].end_ns).widened(campaign.design.reach_ns)


def _newest(keys: Iterable[str], entries: Mapping[str, LedgerEntry]) -> int:
    if not entries:  # the first plan of a campaign asks for millions
        return 0
    found = (entries.get(key) for key in keys)
    return max((entry.marked_ns for entry in found if entry), default=0)


def _blocks(campaign: Campaign, ledger: LedgerView) -> list[Span]:
    """Return the campaign's blocks and older ones whose picks it may change."""
    length = campaign.design.block_ns
    first, last = campaign.span.start_ns // length, (campaign.span.end_ns - 1) // length
    own = {Span(i * length, (i + 1) * length) for i in range(first, last + 1)}
    near = campaign.span.widened(campaign.design.reach_ns)
    older = {block_span(key, length) for key in ledger.blocks}
    return sorted(own | {block for block in older if block.overlaps(near)})


def _is_due(block: Span, campaign: Campaign, ledger: LedgerView, pending: set[date]) -> bool:
    entry = ledger.blocks.get(block_key(block))
    if entry is None or entry.status == Status.FAILED:
        return True
    reach = block.widened(campaign.design.reach_ns)
    if pending.intersection(reach.days()):
        return True
    if entry.inputs != inputs_digest(ledger.picks, campaign.pick_names, reach):
        return True
    key = block_key(block)
    location = ledger.locations.get(key)
    if campaign.location is not None:
        near = near_blocks(key, ledger.blocks, campaign.design, campaign.location)
        if not is_located(entry, location, near):
            return True
    if campaign.magnitude is None:
        return False
    inputs = magnitude_inputs(entry, location, ledger.measures, campaign.pick_names, block)
    return not has_magnitudes(ledger.magnitudes.get(key), inputs)


def is_located(
    block: BlockEntry, location: LocateEntry | None, near: Sequence[BlockEntry | None]
) -> bool:
    """Return whether a location used the present events of blocks, and did not fail."""
    if location is None or location.status == Status.FAILED:
        return False
    return location.inputs == location_inputs(block, near)


def location_inputs(block: BlockEntry, near: Sequence[BlockEntry | None]) -> str:
    """Return the digest of what the location of a block uses.

    These are its events, the picks that may join them and the events of blocks ``near`` it,
    which compete for picks.
    """
    parts = (f"{entry.status.value} {entry.result}" if entry else "" for entry in (block, *near))
    return digest_of(block.inputs, *parts) if near else digest_of(*parts)


def near_blocks(
    key: str, blocks: Mapping[str, BlockEntry], design: Design, location: LocationDesign
) -> tuple[BlockEntry | None, ...]:
    """Return the blocks whose events compete with those of a block for picks.

    None for one that is not associated.  No events compete if picks cannot change events.
    """
    return tuple(blocks.get(other) for other in near_keys(key, design, location))


def near_keys(key: str, design: Design, location: LocationDesign) -> tuple[str, ...]:
    """Return the keys of the blocks whose events compete with those of a block for picks."""
    if not location.can_rematch:
        return ()
    length = design.block_ns
    count = -(-location.reach_ns // length)
    span = block_span(key, length)
    steps = (step * length for step in range(-count, count + 1) if step)
    return tuple(block_key(Span(span.start_ns + by, span.end_ns + by)) for by in steps)


def magnitude_span(block: Span) -> Span:
    """Return the span of the amplitudes that the events of a block need."""
    return Span(block.start_ns - _BEFORE_NS, block.end_ns + _AFTER_NS)


def magnitude_inputs(
    block: BlockEntry,
    location: LocateEntry | None,
    measures: Mapping[str, MeasureEntry],
    names: Iterable[str],
    span: Span,
) -> str:
    """Return the digest of what the magnitudes of a block are made of.

    ``names`` are the places of the stations, ``span`` is that of the block.
    """
    places = (location.status.value, location.result) if location else ()
    ordered = sorted(names)
    keys = (str(StationDay(n, day)) for day in magnitude_span(span).days() for n in ordered)
    found = ((key, measures.get(key)) for key in keys)
    amplitudes = (f"{key}={entry.result}" for key, entry in found if entry)
    return digest_of(block.status.value, block.result, *places, *amplitudes)


def has_magnitudes(before: MagnitudeEntry | None, inputs: str) -> bool:
    """Return whether a block has magnitudes of these inputs."""
    return before is not None and before.status != Status.FAILED and before.inputs == inputs


def inputs_digest(picks: Mapping[str, StationDayEntry], names: Sequence[str], reach: Span) -> str:
    """Return the digest of the pick results that a block uses: all station-days in its reach."""
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
