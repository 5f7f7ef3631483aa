"""The responses of stations that amplitudes were measured with, for the page."""

from __future__ import annotations

from collections import Counter, defaultdict
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from epicat.model import StationDay
from epicat.store.base import measure_entries
from epicat.store.responses import StoredResponse, stored_responses

if TYPE_CHECKING:
    from epicat.catalog.catalog import Catalog

__all__ = ["responses_of"]


def responses_of(catalog: Catalog) -> dict[str, Any]:
    """Return ``channels`` by ``NET.STA.LOC``, and ``days``: how many were measured by station.

    A channel has ``channel``, ``start``, ``end``, ``unit``, ``gain``, ``stages``, ``is_flat`` and
    ``problem``, of `StoredResponse`.  A station of ``days`` has ``measured``, ``amplitudes`` and
    ``reasons``, the number of days by reason.
    """
    if not catalog.amplitude_id:
        return {"channels": {}, "days": {}}
    by_channel: dict[str, list[StoredResponse]] = defaultdict(list)
    flat = []
    for one in stored_responses(catalog.store):
        if one.is_flat:
            flat.append(one)
        else:
            by_channel[one.channel].append(one)
    channels = {}
    for row in catalog.stations().select(["id", "channels"]).to_pylist():
        names = [f"{row['id']}.{code}" for code in row["channels"].replace(",", " ").split()]
        found = [_row(name, one) for name in names for one in _used(name, by_channel, flat)]
        if found:
            channels[row["id"]] = found
    return {"channels": channels, "days": _days(catalog)}


def _used(
    channel: str, by_channel: dict[str, list[StoredResponse]], flat: list[StoredResponse]
) -> list[StoredResponse]:
    """Return the epochs of a channel; a flat response holds where none of them can be used."""
    own = by_channel.get(channel, [])
    if any(not one.problem for one in own):
        return own
    return [*own, *[one for one in flat if fnmatchcase(channel, one.channel)][:1]]


def _row(channel: str, one: StoredResponse) -> dict[str, Any]:
    return {
        "channel": channel, "start": one.start, "end": one.end, "unit": one.unit,
        "gain": one.gain, "stages": one.stages, "is_flat": one.is_flat, "problem": one.problem,
    }  # fmt: skip


def _days(catalog: Catalog) -> dict[str, Any]:
    found: dict[str, Any] = {}
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in measure_entries(catalog.store, catalog.amplitude_id):
        station = StationDay.parse(entry.key).station
        days = found.setdefault(station, {"measured": 0, "amplitudes": 0})
        days["measured"] += entry.n_instruments > 0
        days["amplitudes"] += entry.n_amplitudes
        if entry.reason:
            reasons[station][entry.reason] += 1
    for station, days in found.items():
        days["reasons"] = dict(reasons[station].most_common(20))
    return found
