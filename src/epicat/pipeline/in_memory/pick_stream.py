"""Pick waveforms that are in memory as an ObsPy stream: no archive, no store, no campaign."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import chain
from typing import Any

import numpy as np

from epicat.campaign.parse import from_mapping
from epicat.campaign.pick_run import PickRun
from epicat.catalog.results import Picks
from epicat.errors import InputError
from epicat.model import Pick, Span
from epicat.pick.pick_options import PickOptions
from epicat.pick.picker import Picker
from epicat.pipeline.stages.pick_day import pick_segments
from epicat.waveforms.channel_selection import Choice, choose, with_pressure
from epicat.waveforms.grid import nominal_rate
from epicat.waveforms.records import LOWEST_RATE_HZ, Channel, Records
from epicat.waveforms.segments import segments
from epicat.waveforms.traces import Trace, merge

__all__ = ["pick_stream"]

Channels = Mapping[Channel, list[Trace]]


def pick_stream(
    stream: Iterable[Any],
    picker: Picker,
    *,
    p_threshold: float | None = None,
    s_threshold: float | None = None,
) -> Picks:
    """Pick P and S arrivals in an ObsPy stream.

    Every instrument of the stream (a network, station, location and band code such as ``HH``) is
    picked by itself, with whatever components it has; a missing one is zero, as in SeisBench.
    Waveforms are resampled to the picker's rate and filtered where the picker asks for it, so
    raw counts go in.  A gap ends a segment; a segment shorter than the picker's window gives no
    picks.  Inside a segment the picks, and their ids, are those of a campaign with the same
    model, weights and thresholds.  ObsPy itself is not imported, and the stream is not changed.

    Parameters
    ----------
    stream
        An `obspy.Stream` or any iterable of traces with ``stats`` (``network``, ``station``,
        ``location``, ``channel``, ``sampling_rate`` in Hz, ``starttime``) and ``data`` of shape
        (samples,); masked samples are gaps.
    picker
        A picker, such as `load_picker` returns.
    p_threshold, s_threshold
        Probability that a pick must reach, 0 to 1; None: the weights' own threshold.

    Returns
    -------
    Picks
        In the order of time.

    Raises
    ------
    InputError
        If a threshold is out of range or no trace of the stream can be picked.

    Examples
    --------
    >>> import obspy, epicat as ec
    >>> picker = ec.load_picker("epicat-mini")
    >>> stream = obspy.read("waveforms/*/*/*/*/*")
    >>> picks = ec.pick_stream(stream, picker)
    >>> picks[0].phase
    'P'

    """
    given = {"p_threshold": p_threshold, "s_threshold": s_threshold}
    options = from_mapping(PickOptions, {k: v for k, v in given.items() if v is not None})
    options = options.model_copy(update={"precision": picker.precision})
    run = PickRun.from_options(picker.info, options)
    stations = _read(stream)
    if not stations:
        raise InputError(
            "no trace of the stream can be picked: it needs samples, a channel code of three "
            f"letters and at least {LOWEST_RATE_HZ:g} samples a second"
        )
    found = (_pick_station(code, stations[code], picker, run.thresholds) for code in stations)
    return Picks(tuple(sorted(chain.from_iterable(found))), run.digest)


def _read(stream: Iterable[Any]) -> dict[str, Channels]:
    """Return the channels of each ``NET.STA``."""
    records: dict[str, dict[Channel, list[Records]]] = defaultdict(lambda: defaultdict(list))
    for trace in stream:
        stats = trace.stats
        code = str(stats.channel).upper()
        rate = nominal_rate(float(stats.sampling_rate))
        if len(code) != 3 or rate < LOWEST_RATE_HZ or len(trace.data) == 0:
            continue
        channel = Channel(str(stats.location).strip(), code[:2], code[2], rate)
        records[f"{stats.network}.{stats.station}"][channel].extend(_records(trace, rate))
    return {
        station: {channel: merge(found, channel.rate) for channel, found in channels.items()}
        for station, channels in records.items()
    }


def _records(trace: Any, rate: Fraction) -> Iterator[Records]:
    """Give the contiguous parts of a trace; masked samples lie between them."""
    start_ns, data = int(trace.stats.starttime.ns), trace.data
    masked: Any = np.ma  # NumPy's masked arrays have no types
    parts = masked.clump_unmasked(data) if masked.isMaskedArray(data) else [slice(0, len(data))]
    for part in parts:
        samples = np.ascontiguousarray(masked.getdata(data)[part])
        late_ns = round(part.start * 1_000_000_000 / rate)
        starts = np.array([start_ns + late_ns], np.int64)
        yield Records(starts, np.array([len(samples)], np.int64), _plain(samples))


def _plain(samples: np.ndarray[Any, Any]) -> Any:
    """Return samples in a type that records have: int32, float32 or float64."""
    if samples.dtype in (np.int32, np.float32, np.float64):
        return samples
    if samples.dtype.kind in "iu" and np.can_cast(samples.dtype, np.int32):
        return samples.astype(np.int32)
    return samples.astype(np.float64)


def _pick_station(
    code: str, channels: Channels, picker: Picker, thresholds: Mapping[str, float]
) -> Iterator[Pick]:
    """Give the picks of every instrument of a station."""
    ends = [(trace, channel.rate) for channel, traces in channels.items() for trace in (traces)]
    if not ends:
        return
    low = min(trace.first / rate for trace, rate in ends)
    high = max(trace.stop / rate for trace, rate in ends)
    span = Span(int(low * 10**9) - 10**9, int(high * 10**9) + 10**9)
    rate = Fraction(picker.info.sampling_rate)
    for choice in _instruments(channels, picker, span):
        found = segments(
            choice.components, picker.info.component_order, rate, span, picker.info.filters
        )
        source = (f"{code}.{choice.location}", choice.band)
        picks, _ = pick_segments(picker, found, thresholds, source, span)
        yield from picks


def _instruments(channels: Channels, picker: Picker, span: Span) -> Iterator[Choice]:
    for location, band in sorted({(channel.location, channel.band) for channel in channels}):
        own = {c: t for c, t in channels.items() if (c.location, c.band) == (location, band)}
        choice = choose(own, span, {location})
        if choice is not None and "H" in picker.info.component_order:
            choice = with_pressure(choice, channels, span)
        if choice is not None:
            yield choice
