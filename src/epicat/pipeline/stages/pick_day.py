"""Pick one station-day: the archive's objects in, picks and a ledger entry out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction

from epicat.archive.archive import Archive
from epicat.archive.objects import StoredObject
from epicat.campaign.campaign import Campaign
from epicat.errors import ArchiveError, AwayError
from epicat.ledger import Flag, ObjectRead, Status
from epicat.model import Pick, Span, StationDay
from epicat.pick.openvino.runtime import BATCH
from epicat.pick.picker import Picker, PickerInfo, Stretch
from epicat.pick.windows import found_triggers, window_starts
from epicat.pipeline.stages.day_parts import Part
from epicat.pipeline.stages.day_reader import DayReader
from epicat.pipeline.stages.measure_day import Instrument
from epicat.pipeline.stages.read_day import DayRecords
from epicat.waveforms.channel_selection import Choice, unused
from epicat.waveforms.grid import Grid
from epicat.waveforms.quality import (
    Exclusion,
    bridged_gaps,
    faint_amplitude,
    flags_of,
    usable_segments,
)
from epicat.waveforms.records import Channel
from epicat.waveforms.segments import Segment, at_rate, segments
from epicat.waveforms.traces import Trace

__all__ = ["DayPicker", "DayResult", "pick_segments"]

Channels = Mapping[Channel, Sequence[Trace]]


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
    instruments: tuple[Instrument, ...] = ()
    """What was picked, with its samples, if amplitudes are measured."""


class DayPicker:
    """Picks the station-days of a campaign, one at a time."""

    def __init__(self, campaign: Campaign, archive: Archive, picker: Picker) -> None:
        self._campaign = campaign
        self._run = campaign.picking
        self._archive = archive
        self._reader = DayReader(campaign, archive)
        self._picker = picker
        self._rate = Fraction(picker.info.sampling_rate)
        self._window_s = picker.info.samples / picker.info.sampling_rate

    def use_threads(self, threads: int) -> None:
        """Compute with so many threads from now on; results do not depend on their number."""
        self._picker.use_threads(threads)

    def objects(self, key: StationDay) -> list[StoredObject]:
        """Return the objects that a station-day depends on, including those of adjacent days."""
        return self._reader.objects(key)

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
        read = self._reader.read(key, items, self._picker.threads)
        self._prefetch(coming)
        return self._pick(key, read)

    def _prefetch(self, coming: StationDay | None) -> None:
        if coming is not None:
            with suppress(ArchiveError):  # reported when its turn comes
                self._archive.prefetch(self.objects(coming))

    def _pick(self, key: StationDay, read: DayRecords) -> DayResult:
        traces = read.take_traces(self._run.quality.bridged_s)
        parts, exclusions = self._reader.parts(key, traces)
        if not parts:
            place = self._campaign.places[key.station]
            return _nothing(read, exclusions, unused(traces, key.span, place.orientations))
        choices = [part.choice for part in parts]
        bridged = bridged_gaps(choices, key.span)
        faint = faint_amplitude(choices, key.span, self._window_s)
        notes = [_left_out(one, read.remarks) for one in choices]
        notes += [note for one in choices for note in one.notes]
        names = ", ".join(map(_channels, choices))
        samples = sum(_samples(part) for part in parts)
        measured = choices if self._campaign.amplitudes else ()
        instruments = tuple(map(Instrument.from_choice, measured))
        del traces, choices, measured  # so that components are freed one at a time
        found = [self._segments(parts, number, key) for number in range(len(parts))]
        everything = [segment for segments in found for segment in segments]
        usable, others = usable_segments(everything, key.span, self._rate, self._run.quality)
        picks, windows = self._picks(key, parts, found, usable)
        status = Status.DONE if picks else Status.NO_PICKS if windows else Status.TOO_GAPPY
        left = [s for s in usable if _inside(s, key.span, self._rate)]
        if left and not windows:
            notes.insert(0, _shortness(left, self._picker.info.samples, self._rate))
        notes.append(faint)
        found_faults = [*exclusions, *others, *bridged]
        return DayResult(
            status=status,
            reason=_reason(found_faults, *dict.fromkeys(notes), read.errors),
            picks=tuple(picks),
            objects=tuple(read.objects),
            samples=samples,
            gaps=_gaps(everything, key.span, self._rate),
            channels=names,
            flags=flags_of(found_faults),
            instruments=instruments,
        )

    def _segments(self, parts: list[Part], number: int, key: StationDay) -> list[Segment]:
        """Return the segments of a part, whose components are freed one at a time."""
        info, part = self._picker.info, parts[number]
        components = dict(part.choice.components)
        parts[number] = replace(part, choice=replace(part.choice, components={}, channels={}))
        del part
        for name in tuple(components):
            filter_ = info.filters.get(name)
            components[name] = at_rate(components.pop(name), self._rate, filter_)
        return segments(components, info.component_order, self._rate, self._reader.span(key))

    def _picks(
        self,
        key: StationDay,
        parts: Sequence[Part],
        found: Sequence[Sequence[Segment]],
        usable: Sequence[Segment],
    ) -> tuple[list[Pick], int]:
        """Return the picks of all parts, each in its own time, and the number of windows."""
        place = self._campaign.places[key.station]
        kept = {id(segment) for segment in usable}
        picks: list[Pick] = []
        windows = 0
        for part, own in zip(parts, found, strict=True):
            source = (f"{place.network}.{place.code}.{part.choice.location}", part.choice.band)
            sound = [segment for segment in own if id(segment) in kept]
            some, count = pick_segments(self._picker, sound, self._run.thresholds, source, key.span)
            picks += [pick for pick in some if part.owns(pick.time_ns)]
            windows += count
        return sorted(picks), windows


def pick_segments(
    picker: Picker,
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
    rotation = f" ({choice.rotation})" if choice.rotation else ""
    return f"{choice.location or '--'}.{choice.band}[{choice.codes}]{hydrophone}{rotation}"


def _nothing(read: DayRecords, exclusions: Sequence[Exclusion], notes: Sequence[str]) -> DayResult:
    """Return the result without picks: no data, or data that could not be read or used."""
    objects, flags = tuple(read.objects), flags_of(exclusions)
    if exclusions or notes:
        status = Status.READ_ERROR if read.unread else Status.REJECTED
        return DayResult(
            status, _reason(exclusions, *notes, read.errors), objects=objects, flags=flags
        )
    if read.unread:
        return DayResult(Status.READ_ERROR, read.errors, objects=objects)
    remarks = ", ".join(sorted(read.remarks)) or read.errors
    reason = remarks or ("no sample of this day" if objects else "no object in the archive")
    return DayResult(Status.NO_DATA, reason, objects=objects)


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


def _samples(part: Part) -> int:
    """Return the samples of a part in its own time, summed over components."""
    total = 0
    for trace in (trace for traces in part.choice.components.values() for trace in traces):
        for span in part.owned:
            low, high = _bounds(span, trace.rate)
            total += max(min(trace.stop, high) - max(trace.first, low), 0)
    return total


def _gaps(found: Sequence[Segment], span: Span, rate: Fraction) -> int:
    """Count the gaps of a day, including those at its start and end."""
    inside = sorted(
        (segment.first, segment.stop) for segment in found if _inside(segment, span, rate)
    )
    if not inside:
        return 0
    low, high = _bounds(span, rate)
    gaps, reached = 0, low
    for first, stop in inside:
        gaps += first > reached
        reached = max(reached, stop)
    return gaps + (reached < high)


def _shortness(inside: Sequence[Segment], samples: int, rate: Fraction) -> str:
    longest = max((s.stop - s.first for s in inside), default=0) / float(rate)
    return (
        f"{len(inside)} segments, the longest {longest:.1f} s; "
        f"the picker needs {samples / float(rate):.1f} s"
    )
