"""What a rematch takes from a store: the picks around a block, and the criteria of an event."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from epicat.association.associator import SitePick, site_picks
from epicat.association.candidates import Needs
from epicat.association.design import Design
from epicat.association.quality import failings
from epicat.association.rates import sift, whole_bins
from epicat.association.sites import SiteIndex
from epicat.locate.design import LocationDesign
from epicat.locate.event_picks import SensorPick
from epicat.locate.events import LocatedRows, Rematching
from epicat.locate.grids import PHASES
from epicat.locate.pick_errors import confidence_class
from epicat.locate.rematch import CandidatePicks
from epicat.model import Span
from epicat.store.base import Store, Where
from epicat.tables import ORIGINS

__all__ = ["PickReader", "judged_origins"]


@dataclass(frozen=True, slots=True)
class PickReader:
    """Reads the picks that may belong to events."""

    store: Store
    """Where the picks are."""
    design: Design
    """The association of the events: the same picks of the same sites."""
    location: LocationDesign
    """The location."""
    index: SiteIndex
    """Sites of the traces."""

    def site_picks(self, span: Span, arrivals: pa.Table) -> list[SitePick]:
        """Return the picks of a span as the association takes them, and all ``arrivals``.

        An arrival whose pick the store does not have is a pick without confidence.
        """
        limits = self.design.quality
        where = Where(design=self.design.run, span=whole_bins(span, limits))
        kept = sift(self.store.read("picks", where), limits).within(span).kept
        picks = site_picks(kept, self.index, self.design.s_velocity)
        known = {pick.pick_id for pick in picks}
        others = arrivals.filter(
            pc.invert(pc.is_in(arrivals["pick_id"], pa.array(list(known), pa.string())))
        )
        picks += filter(None, map(self._pick, others.to_pylist(), _times_ns(others)))
        return sorted(picks, key=lambda pick: (pick.time_ns, pick.pick_id))

    def _pick(self, arrival: dict[str, Any], time_ns: int) -> SitePick | None:
        """Return an arrival as a pick; None if its station is at no site."""
        trace = arrival["trace_id"]
        site = self.index.site(trace, time_ns)
        if site is None:
            return None
        return SitePick(
            time_ns, arrival["pick_id"], trace, "", site.group or site.name, arrival["phase"],
            math.nan, site.name, site.elevation_m,
        )  # fmt: skip

    def rematching(self, picks: Iterable[SitePick], own: frozenset[str]) -> Rematching:
        """Return picks as a rematch takes them; ``own`` are the ids of the block's events."""
        number = {name: i for i, (name, *_) in enumerate(self.location.sites)}
        known = [p for p in picks if p.position in number and p.phase in PHASES]
        sites = {name: i for i, name in enumerate(sorted({p.site for p in known}))}
        candidates = CandidatePicks(
            pick_id=[p.pick_id for p in known],
            sensor=np.array([number[p.position] for p in known], dtype=np.int64),
            site=np.array([sites[p.site] for p in known], dtype=np.int64),
            phase=np.array([PHASES.index(p.phase) for p in known], dtype=np.int64),
            grade=confidence_class(np.array([p.confidence for p in known], dtype=float)),
            time_ns=np.array([p.time_ns for p in known], dtype=np.int64),
        )
        rows: list[SensorPick] = [
            (
                number[p.position],
                {
                    "pick_id": p.pick_id,
                    "trace_id": p.trace_id,
                    "phase": p.phase,
                    "time": p.time_ns,
                    "confidence": p.confidence,
                },
            )
            for p in known
        ]
        return Rematching(candidates, rows, own)


@dataclass(frozen=True, slots=True)
class _Judged:
    """What `epicat.association.quality` judges an event by."""

    latitude: float
    longitude: float
    n_stations: int
    gap_deg: float
    rms_s: float


def judged_origins(rows: LocatedRows, design: Design, index: SiteIndex) -> LocatedRows:
    """Say of each origin why it no longer is an event: too few picks, a limit, its place.

    ``rejected`` is null for those that are.
    """
    needs = Needs.from_pyocto(design.pyocto)
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    times = _times_ns(rows.arrivals)
    columns = (rows.arrivals[name].to_pylist() for name in ("origin_id", "trace_id", "phase"))
    for time_ns, origin, trace, phase in zip(times, *columns, strict=True):
        site = index.site(trace, time_ns)
        found[origin].add(((site.group or site.name) if site else trace, phase))
    reasons = []
    for row in rows.origins.to_pylist():
        judged = _Judged(**{field.name: row[field.name] for field in fields(_Judged)})
        limits = (text for _, text in failings(judged, design.quality, design.wanted))
        reasons.append("; ".join([*needs.unmet_by(found[row["origin_id"]]), *limits]) or None)
    at = ORIGINS.get_field_index("rejected")
    column = pa.array(reasons, pa.string())
    return LocatedRows(rows.origins.set_column(at, ORIGINS.field(at), column), rows.arrivals)


def _times_ns(rows: pa.Table) -> list[int]:
    return list(rows["time"].cast(pa.int64()).to_pylist())
