"""Pick one station-day: the archive's objects in, picks and a ledger entry out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction

from epicat.archive.archive import Archive
from epicat.archive.objects import StoredObject
from epicat.campaign.campaign import Campaign
from epicat.errors import ArchiveError, AwayError, ObjectError
from epicat.model import Flag, ObjectRead, Pick, Span, StationDay, Status
from epicat.pick.batching import Stretch
from epicat.pick.mixed_precision import Screened
from epicat.pick.openvino.bundle import BATCH
from epicat.pick.picker import Picker, PickerInfo
from epicat.pick.windows import found_triggers, window_starts
from epicat.waveforms.channel_selection import Choice, choose, with_pressure
from epicat.waveforms.grid import Grid
from epicat.waveforms.quality import (
    Exclusion,
    flags_of,
    usable_choice,
    usable_segments,
)
from epicat.waveforms.records import Channel, Decoded, Records, decode
from epicat.waveforms.segments import Segment, at_rate, segments
from epicat.waveforms.traces import Trace, merge

__all__ = ["DayPicker", "DayResult", "pick_segments"]


@dataclass(frozen=True, slots=True)
class DayResult:
    """The result of a station-day."""

    status: Status
    """Outcome."""
    reason: str = ""
    """Explanation of the status: exclusions by quality control, and unusable objects."""
    picks: tuple[Pick, ...] = ()
    """The picks of the day, in order of time."""
    objects: tuple[ObjectRead, ...] = ()
    """The objects that were read."""
    samples: int = 0
    """Samples of the selected channels inside the day, summed over components."""
    gaps: int = 0
    """Gaps inside the day."""
    channels: str = ""
    """The selected channels, for example ``00.HH[ZNE]``."""
    flags: tuple[Flag, ...] = ()
    """Exclusions by quality control, by criterion."""


@dataclass(slots=True)
class _Read:
    """The content of the objects of a station-day."""

    channels: dict[Channel, list[Records]] = field(default_factory=lambda: defaultdict(list))
    objects: list[ObjectRead] = field(default_factory=list)
    remarks: set[str] = field(default_factory=set)
    unread: bool = False  # whether some object contained nothing readable of the station

    @property
    def errors(self) -> str:
        """Every object that could not be used in full."""
        return "; ".join(f"{o.key}: {o.reason}" for o in self.objects if o.reason)


class DayPicker:
    """Picks the station-days of a campaign, one at a time."""

    def __init__(self, campaign: Campaign, archive: Archive, picker: Picker | Screened) -> None:
        self._campaign = campaign
        self._run = campaign.picking
        self._archive = archive
        self._picker = picker

    def objects(self, key: StationDay) -> list[StoredObject]:
        """Return the objects that a station-day depends on, including those of adjacent days."""
        place = self._campaign.places[key.station]
        span = key.span.widened(self._run.halo_ns)
        return self._archive.objects(place.network, place.code, span)

    def pick(self, key: StationDay, coming: StationDay | None = None) -> DayResult:
        """Pick a station-day.  Bad objects are reported in the result, never raised.

        The objects of the ``coming`` station-day are prefetched while this one is computed.
        Raises `AwayError` if the archive is unavailable.
        """
        try:
            items = self.objects(key)
        except AwayError:
            raise
        except ArchiveError as error:
            return DayResult(Status.READ_ERROR, str(error))
        read = self._read(key, items)
        self._prefetch(coming)
        return self._pick(key, read)

    def _prefetch(self, coming: StationDay | None) -> None:
        if coming is not None:
            with suppress(ArchiveError):  # reported when its turn comes
                self._archive.prefetch(self.objects(coming))

    def _choose(
        self, key: StationDay, channels: Mapping[Channel, Sequence[Trace]]
    ) -> Choice | None:
        locations = set(self._campaign.places[key.station].locations)
        choice = choose(channels, key.span, locations)
        if choice is not None and "H" in self._picker.info.component_order:
            choice = with_pressure(choice, channels, key.span)
        return choice

    def _read(self, key: StationDay, items: Sequence[StoredObject]) -> _Read:
        read = _Read()
        place = self._campaign.places[key.station]
        self._archive.prefetch(items)
        for item in items:
            try:
                found, etag = self._decode(key, item), item.etag
            except ObjectError as error:
                found, etag = Decoded(reasons=[error.reason]), ""
            read.objects.append(ObjectRead(item.key, etag, "; ".join(found.reasons)))
            read.remarks.update(found.remarks)
            read.unread |= bool(found.reasons) and not found.holds_station
            for channel, records in found.channels.items():
                if place.has_location(channel.location):
                    read.channels[channel].extend(records)
        return read

    def _decode(self, key: StationDay, item: StoredObject) -> Decoded:
        place = self._campaign.places[key.station]
        body = self._archive.read(item)
        span = key.span.widened(self._run.halo_ns)
        return decode(body, place.network, place.code, span)

    def _pick(self, key: StationDay, read: _Read) -> DayResult:
        traces = {  # one at a time, which frees the records
            channel: merge(read.channels.pop(channel), channel.rate)
            for channel in tuple(read.channels)
        }
        choice, exclusions = usable_choice(
            lambda channels: self._choose(key, channels), traces, key.span, self._run.quality
        )
        if choice is None:
            return _rejected(read, exclusions) if exclusions else _without_data(read)
        info = self._picker.info
        rate = Fraction(info.sampling_rate)
        widened = key.span.widened(self._run.halo_ns)
        samples = round(sum(_samples(traces, key.span) for traces in choice.components.values()))
        components = dict(choice.components)
        choice = replace(choice, components={})
        del traces
        for name in tuple(components):  # one at a time
            components[name] = at_rate(components.pop(name), rate, info.filters.get(name))
        found = segments(components, info.component_order, rate, widened)
        place = self._campaign.places[key.station]
        trace_id = f"{place.network}.{place.code}.{choice.location}"
        usable, others = usable_segments(found, key.span, rate, self._run.quality)
        exclusions += others
        picks, windows = pick_segments(
            self._picker, usable, self._run.thresholds, (trace_id, choice.band), key.span
        )
        status = Status.DONE if picks else Status.NO_PICKS if windows else Status.TOO_GAPPY
        left = [s for s in usable if _inside(s, key.span, rate)]
        short = "" if windows or not left else _shortness(left, info.samples, rate)
        return DayResult(
            status=status,
            reason=_reason(exclusions, short, _left_out(choice, read.remarks), read.errors),
            picks=tuple(picks),
            objects=tuple(read.objects),
            samples=samples,
            gaps=_gaps(found, key.span, rate),
            channels=_channels(choice),
            flags=flags_of(exclusions),
        )


def pick_segments(
    picker: Picker | Screened,
    found: Sequence[Segment],
    thresholds: Mapping[str, float],
    source: tuple[str, str],
    owned: Span,
) -> tuple[list[Pick], int]:
    """Pick segments; return the picks whose peak lies in a span, and the number of windows in it.

    ``source`` is the trace id and the band code of the picks.
    """
    info = picker.info
    rate = Fraction(info.sampling_rate)
    stretches = [_stretch(segment, info) for segment in found]
    picks = []
    found_of_each = found_triggers(picker, stretches, thresholds, BATCH)
    for segment, by_phase in zip(found, found_of_each, strict=True):
        for phase, triggers in by_phase.items():
            for trigger in triggers:
                peak, onset, end = (
                    segment.time_ns(segment.first + at, rate)
                    for at in (trigger.peak, trigger.onset, trigger.end)
                )
                if owned.start_ns <= peak < owned.end_ns:
                    pick = Pick(peak, *source, phase, trigger.confidence, onset, end)
                    picks.append(pick)
    windows = sum(
        len(stretch.starts)
        for segment, stretch in zip(found, stretches, strict=True)
        if _inside(segment, owned, rate)
    )
    return sorted(picks), windows


def _stretch(segment: Segment, info: PickerInfo) -> Stretch:
    starts = window_starts(
        segment.first,
        segment.stop,
        info,
        starts_really=segment.has_real_start,
        ends_really=segment.has_real_end,
    )
    length = segment.stop - segment.first
    return Stretch(segment, segment.first, length, starts - segment.first)


def _channels(choice: Choice) -> str:
    hydrophone = f" {choice.pressure}" if choice.pressure else ""
    return f"{choice.location or '--'}.{choice.band}[{choice.codes}]{hydrophone}"


def _without_data(read: _Read) -> DayResult:
    """Nothing to pick: no data, or data that could not be read."""
    if read.unread:
        return DayResult(Status.READ_ERROR, read.errors, objects=tuple(read.objects))
    remarks = ", ".join(sorted(read.remarks)) or read.errors
    reason = remarks or ("no sample of this day" if read.objects else "no object in the archive")
    return DayResult(Status.NO_DATA, reason, objects=tuple(read.objects))


def _rejected(read: _Read, exclusions: Sequence[Exclusion]) -> DayResult:
    """Nothing to pick: quality control excluded all readable data."""
    return DayResult(
        Status.READ_ERROR if read.unread else Status.REJECTED,
        _reason(exclusions, read.errors),
        objects=tuple(read.objects),
        flags=flags_of(exclusions),
    )


def _reason(exclusions: Sequence[Exclusion], *others: str) -> str:
    return "; ".join([*(exclusion.text for exclusion in exclusions), *filter(None, others)])


def _left_out(choice: Choice, remarks: Iterable[str]) -> str:
    """Return remarks on the selected band; other bands are irrelevant."""
    return ", ".join(sorted(remark for remark in remarks if remark.startswith(choice.band)))


def _bounds(span: Span, rate: Fraction) -> tuple[int, int]:
    grid = Grid(rate)
    return grid.first_at_or_after(span.start_ns), grid.first_at_or_after(span.end_ns)


def _inside(segment: Segment, span: Span, rate: Fraction) -> bool:
    low, high = _bounds(span, rate)
    return segment.first < high and segment.stop > low


def _samples(traces: Sequence[Trace], span: Span) -> int:
    total = 0
    for trace in traces:
        low, high = _bounds(span, trace.rate)
        total += max(min(trace.stop, high) - max(trace.first, low), 0)
    return total


def _gaps(found: Sequence[Segment], span: Span, rate: Fraction) -> int:
    """Count the gaps of a day, including those at its start and end."""
    inside = [segment for segment in found if _inside(segment, span, rate)]
    if not inside:
        return 0
    low, high = _bounds(span, rate)
    return len(inside) - 1 + (inside[0].first > low) + (inside[-1].stop < high)


def _shortness(inside: Sequence[Segment], samples: int, rate: Fraction) -> str:
    longest = max((s.stop - s.first for s in inside), default=0) / float(rate)
    return (
        f"{len(inside)} segments, the longest {longest:.1f} s; "
        f"the picker needs {samples / float(rate):.1f} s"
    )
