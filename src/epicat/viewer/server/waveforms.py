"""The waveforms of a record section: one vertical trace a station, by reading parts of objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from epicat.archive.fdsn import is_fdsn
from epicat.campaign.recorded_access import recorded_access
from epicat.errors import EpicatError
from epicat.ledger import StationDayEntry
from epicat.model import Span, StationDay
from epicat.store.base import station_day_entries
from epicat.viewer.server.record_ranges import LARGEST, HeaderCodes, read_span
from epicat.viewer.server.sources import Sources
from epicat.waveforms.records import Channel, Records, decode

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from epicat.catalog.catalog import Catalog

__all__ = ["Reading", "load_filters", "read_waveforms"]

_MOST_STATIONS: Final = 60
_POINTS: Final = 600
"""Pairs of smallest and largest sample of a trace on the page."""
_LOWEST_HZ: Final = 1.0
_AT_ONCE: Final = 8
_COMPONENTS: Final = "Z3H12NE"
"""Components in the order of preference."""


_Sent: TypeAlias = "dict[str, bytes | EpicatError]"
"""What data centers sent, or why they did not."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the record section needs of a station."""

    station: str
    """``NET.STA``."""
    distance_km: float
    """Epicentral distance."""


def read_waveforms(
    catalog: Catalog, readings: Iterable[Reading], span: Span, sources: Sources | None = None
) -> dict[str, Any]:
    """Return ``traces`` and ``notes`` (why a station has none) for the nearest stations.

    A trace has ``trace``, ``distance`` in km, ``start`` in seconds since 1970, ``step`` in seconds
    and ``samples``, filtered above 1 Hz and between -1 and 1.
    """
    nearest = sorted(readings, key=lambda r: r.distance_km)[:_MOST_STATIONS]
    named = {reading.station for reading in nearest}
    entries = _entries_by_station(station_day_entries(catalog.store, catalog.run, span), named)
    opened = sources or Sources(recorded_access(catalog.store, catalog.run))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        sent = _fetched([e for some in entries.values() for e in some], opened, span, pool)
        found = list(
            pool.map(lambda r: _trace(r, entries.get(r.station, []), opened, span, sent), nearest)
        )
    notes = sorted({each for each in found if isinstance(each, str)})
    return {"traces": [each for each in found if not isinstance(each, str)], "notes": notes}


def _entries_by_station(
    entries: Iterable[StationDayEntry], wanted: set[str]
) -> dict[str, list[StationDayEntry]]:
    found: dict[str, list[StationDayEntry]] = {}
    for entry in entries:
        station = ".".join(StationDay.parse(entry.key).station.split(".")[:2])
        if station in wanted:
            found.setdefault(station, []).append(entry)
    return found


def _fetched(
    entries: Iterable[StationDayEntry], sources: Sources, span: Span, pool: ThreadPoolExecutor
) -> _Sent:
    """Send one request to each data center, for all of its stations."""
    by_center: dict[str, list[StationDayEntry]] = {}
    for entry in entries:
        if is_fdsn(entry.archive):
            by_center.setdefault(entry.archive, []).append(entry)

    def fetch(center: str) -> bytes | EpicatError:
        try:
            return sources.fetch(center, by_center[center], span)
        except EpicatError as error:
            return error

    return dict(zip(by_center, pool.map(fetch, by_center), strict=True))


def _trace(
    reading: Reading, entries: list[StationDayEntry], sources: Sources, span: Span, sent: _Sent
) -> dict[str, Any] | str:
    """Return the trace of a station, or why there is none."""
    network, station = reading.station.split(".")[:2]
    channels: dict[Channel, list[Records]] = {}
    try:
        for body in _bodies(entries, sources, span, sent):
            for channel, records in decode(body, network, station, span).channels.items():
                channels.setdefault(channel, []).extend(records)
    except EpicatError as error:
        return str(error)
    best = _best_channel(channels, entries)
    if best is None:
        return f"{reading.station} has no waveforms of this time in its archive"
    start_ns, samples = _joined(channels[best], float(best.rate), span)
    name = f"{reading.station}.{best.location}.{best.band}{best.component}"
    return _shown(name, reading.distance_km, start_ns, samples, float(best.rate))


def _bodies(
    entries: list[StationDayEntry], sources: Sources, span: Span, sent: _Sent
) -> Iterator[bytes]:
    """Read the parts of a station's objects; those of other components only if there is no Z."""
    for center in sorted({entry.archive for entry in entries} & sent.keys()):
        answer = sent[center]
        if isinstance(answer, EpicatError):
            raise answer
        yield answer
    picked = _picked(entries)
    for entry in entries:
        if entry.archive in sent:
            continue
        keys = [item.key for item in entry.objects if item.etag]
        vertical = [key for key in keys if _is_vertical(key)] or keys
        for key in vertical:
            source = sources.of(entry.archive)
            body = read_span(source, key, span, lambda codes: _preference(codes, picked))
            if body is None:
                raise EpicatError(
                    f"{key} ({source.size(key) / 1e6:,.0f} MB) is not read: its records are not in "
                    f"the order of channel and time, and it has more than {LARGEST / 1e6:g} MB"
                )
            yield body


def _picked(entries: Iterable[StationDayEntry]) -> str:
    return " ".join(entry.channels for entry in entries)


def _preference(codes: HeaderCodes, picked: str) -> tuple[bool, int]:
    """Return a sort key: channels of the band that was picked first, then the vertical ones."""
    place = _COMPONENTS.find(codes.channel[2:3]) if codes.channel[2:3] else -1
    is_used = f"{codes.location}.{codes.channel[:2]}" in picked
    return not is_used, place if place >= 0 else len(_COMPONENTS)


def _is_vertical(key: str) -> bool:
    """Return whether the name of an object has a vertical channel in it, such as ``BHZ``."""
    parts = key.replace("_", ".").replace("/", ".").split(".")
    return any(len(part) == 3 and part[2] == "Z" and part.isalpha() for part in parts)


def _best_channel(
    channels: Mapping[Channel, object], entries: Iterable[StationDayEntry]
) -> Channel | None:
    """Return the vertical of the band that was picked, or what comes nearest."""
    picked = _picked(entries)

    def rank(channel: Channel) -> tuple[tuple[bool, int], Channel]:
        codes = HeaderCodes(channel.location, channel.band + channel.component)
        return _preference(codes, picked), channel

    return min(channels, key=rank, default=None)


def _joined(records: Iterable[Records], rate: float, span: Span) -> tuple[int, NDArray[np.float64]]:
    """Return samples on one grid over the span; NaN where there is none."""
    count = int(np.ceil(span.seconds * rate))
    samples = np.full(count, np.nan)
    for part in records:
        ends = np.cumsum(part.counts)
        for start_ns, begin, end in zip(part.starts_ns, ends - part.counts, ends, strict=True):
            first = round((int(start_ns) - span.start_ns) * rate / 1e9)
            low, high = max(first, 0), min(first + end - begin, count)
            if low < high:
                samples[low:high] = part.samples[begin + low - first : begin + high - first]
    return span.start_ns, samples


def _shown(
    name: str, distance_km: float, start_ns: int, samples: NDArray[np.float64], rate: float
) -> dict[str, Any]:
    """Filter, normalise and thin a trace."""
    known = np.isfinite(samples)
    filled = _filtered(np.where(known, samples, np.nanmean(samples) if known.any() else 0.0), rate)
    filled[~known] = 0.0
    peak = float(np.abs(filled).max(initial=0.0)) or 1.0
    step = max(1, len(filled) // _POINTS)
    if step > 2:
        blocks = filled[: len(filled) // step * step].reshape(-1, step)
        pairs = np.stack([blocks.min(axis=1), blocks.max(axis=1)], axis=1)
        filled, spacing = pairs.ravel(), step / 2 / rate
    else:
        spacing = 1 / rate
    return {
        "trace": name, "distance": distance_km, "start": start_ns / 1e9, "step": spacing,
        "samples": np.round(filled / peak, 3).tolist(),
    }  # fmt: skip


def load_filters() -> None:
    """Import the filters, which takes half a second."""
    import scipy.signal  # noqa: F401


def _filtered(samples: NDArray[np.float64], rate: float) -> NDArray[np.float64]:
    from scipy.signal import butter, sosfiltfilt

    centred = samples - samples.mean()
    if rate <= 2.5 * _LOWEST_HZ or len(samples) < 50:
        return np.asarray(centred)
    return np.asarray(
        sosfiltfilt(butter(2, _LOWEST_HZ, "highpass", fs=rate, output="sos"), centred)
    )
