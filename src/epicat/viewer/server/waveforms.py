"""The waveforms of a record section: one vertical trace a station, by reading parts of objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from epicat.archive.access import resolve_access
from epicat.archive.fdsn import is_fdsn
from epicat.archive.objects import LocalFolder
from epicat.archive.registry import locate
from epicat.archive.s3 import Bucket, is_bucket
from epicat.errors import EpicatError
from epicat.ledger import StationDayEntry
from epicat.model import Span, StationDay
from epicat.store.base import station_day_entries
from epicat.viewer.server.record_ranges import Ranges, read_span
from epicat.waveforms.records import Channel, Records, decode

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from epicat.catalog.catalog import Catalog

__all__ = ["Reading", "Sources", "read_waveforms"]

_MOST_STATIONS: Final = 60
_POINTS: Final = 600
"""Pairs of smallest and largest sample of a trace on the page."""
_LOWEST_HZ: Final = 1.0
_AT_ONCE: Final = 8
_COMPONENTS: Final = "Z3H12NE"
"""Components in the order of preference."""


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
    entries = _entries_by_station(station_day_entries(catalog.store, catalog.run, span))
    opened = sources or Sources()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = list(
            pool.map(lambda r: _trace(r, entries.get(r.station, []), opened, span), nearest)
        )
    notes = sorted({each for each in found if isinstance(each, str)})
    return {"traces": [each for each in found if not isinstance(each, str)], "notes": notes}


def _entries_by_station(entries: Iterable[StationDayEntry]) -> dict[str, list[StationDayEntry]]:
    found: dict[str, list[StationDayEntry]] = {}
    for entry in entries:
        station = ".".join(StationDay.parse(entry.key).station.split(".")[:2])
        found.setdefault(station, []).append(entry)
    return found


class Sources:
    """Archives by location, opened once."""

    def __init__(self) -> None:
        self._known: dict[str, Ranges] = {}

    def of(self, location: str) -> Ranges:
        """Return an archive; raise `EpicatError` if its objects cannot be read in parts."""
        if location not in self._known:
            self._known[location] = self.opened(location)
        return self._known[location]

    def opened(self, location: str) -> Ranges:
        """Open an archive; region, endpoint and credentials are those of the environment."""
        if is_fdsn(location):
            raise EpicatError("waveforms of data centers are not read for the record section")
        place = locate(location)
        if not is_bucket(place):
            return LocalFolder(Path(place))
        return Bucket(place, resolve_access(location, region=None, endpoint=None, signed=None), 1)


def _trace(
    reading: Reading, entries: list[StationDayEntry], sources: Sources, span: Span
) -> dict[str, Any] | str:
    """Return the trace of a station, or why there is none."""
    network, station = reading.station.split(".")[:2]
    channels: dict[Channel, list[Records]] = {}
    try:
        for body in _bodies(entries, sources, span):
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


def _bodies(entries: Iterable[StationDayEntry], sources: Sources, span: Span) -> Iterator[bytes]:
    """Read the parts of a station's objects; those of other components only if there is no Z."""
    for entry in entries:
        keys = [item.key for item in entry.objects if item.etag]
        vertical = [key for key in keys if _is_vertical(key)] or keys
        for key in vertical:
            body = read_span(sources.of(entry.archive), key, span)
            if body is None:
                raise EpicatError(f"{key} is too large to be read for a record section")
            yield body


def _is_vertical(key: str) -> bool:
    """Return whether the name of an object has a vertical channel in it, such as ``BHZ``."""
    parts = key.replace("_", ".").replace("/", ".").split(".")
    return any(len(part) == 3 and part[2] == "Z" and part.isalpha() for part in parts)


def _best_channel(
    channels: Mapping[Channel, object], entries: Iterable[StationDayEntry]
) -> Channel | None:
    """Return the vertical of the band that was picked, or what comes nearest."""
    picked = " ".join(entry.channels for entry in entries)

    def rank(channel: Channel) -> tuple[bool, int, Channel]:
        place = _COMPONENTS.find(channel.component)
        used = f"{channel.location}.{channel.band}" in picked
        return (not used, place if place >= 0 else len(_COMPONENTS), channel)

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


def _filtered(samples: NDArray[np.float64], rate: float) -> NDArray[np.float64]:
    from scipy.signal import butter, sosfiltfilt

    centred = samples - samples.mean()
    if rate <= 2.5 * _LOWEST_HZ or len(samples) < 50:
        return np.asarray(centred)
    return np.asarray(
        sosfiltfilt(butter(2, _LOWEST_HZ, "highpass", fs=rate, output="sos"), centred)
    )
