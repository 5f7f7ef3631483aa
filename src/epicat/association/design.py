"""The design of an association: every number that decides its result, settled once.

Defaults come from the geometry of the campaign, never from a block's picks: the same for the
first block and the last.  The digest of a design names its events.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from epicat.association.options import AssociateOptions
from epicat.association.quality import CatalogQuality
from epicat.association.sites import Site, count_sites
from epicat.association.slices import Slicing
from epicat.errors import InputError
from epicat.geo import Extent, Plane
from epicat.model import EVER, digest_of
from epicat.time import SECOND_NS
from epicat.velocity.layers import LayerModel

__all__ = ["Design", "make_design"]

_ALGORITHM = 2
"""Raised whenever the same design gives other events."""
_REGIONAL_KM = 400.0


class Design(BaseModel):
    """What an associator is, apart from the coordinates of its sites."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    run: str
    """Digest of the run whose picks are associated."""
    sites: tuple[tuple[str, float, float, float], ...]
    """Name, latitude, longitude and elevation in metres of each position of a site."""
    groups: tuple[tuple[str, str], ...] = ()
    """Positions, by name, that count as a site of another name: one of its other sensors."""
    epochs: tuple[tuple[str, int, int], ...] = ()
    """Start and end, ns since 1970, of the positions of stations that moved."""
    latitude: float
    """Latitude of the centre of the extent."""
    longitude: float
    """Longitude of the centre of the extent."""
    x_km: tuple[float, float]
    """West and east edge of the search box."""
    y_km: tuple[float, float]
    """South and north edge of the search box."""
    z_km: tuple[float, float]
    """Top and bottom of the search box, below sea level."""
    layers: tuple[tuple[float, float, float], ...]
    """Depth, vp and vs of each row of a layered model; empty for constant velocities."""
    constant_layers: bool
    """Whether rows are tops of constant layers rather than nodes of a gradient."""
    p_velocity: float
    """Constant P velocity in km/s; of a layered model the fastest."""
    s_velocity: float
    """Constant S velocity in km/s; of a layered model the slowest."""
    table_spacing_km: float
    """Spacing of the tables of travel times."""
    block_ns: int
    """Length of a block."""
    halo_ns: int
    """How far around a block picks are read."""
    pyocto: dict[str, Any]
    """PyOcto's parameters."""
    views: tuple[dict[str, float], ...]
    """What each run of PyOcto over the same picks has different."""
    algorithm: int = _ALGORITHM
    """Version of epicat's own part."""
    quality: CatalogQuality = CatalogQuality()
    """Which picks are left out, and which events are rejected."""

    @property
    def digest(self) -> str:
        """Names the design; equal for equal designs.  Limits that are not set are left out."""
        unused = {name for name in ("groups", "epochs") if not getattr(self, name)}
        text = self.model_dump_json(exclude={"quality", *unused})
        return digest_of(text, *self.quality.given)

    @property
    def n_sites(self) -> int:
        """Number of sites, each counted once with all its positions."""
        return len(self.sites) - len(self.groups)

    @property
    def plane(self) -> Plane:
        """The local plane."""
        return Plane(self.latitude, self.longitude)

    @property
    def layer_model(self) -> LayerModel | None:
        """The layered model, or None for constant velocities."""
        if not self.layers:
            return None
        depth, vp, vs = zip(*self.layers, strict=True)
        return LayerModel(depth, vp, vs, constant=self.constant_layers)

    @property
    def slicing(self) -> Slicing:
        """How picks are cut into the slices that PyOcto gets."""
        return Slicing.from_seconds(self.pyocto["time_slicing"], self.pyocto["time_before"])

    @property
    def reach_ns(self) -> int:
        """How far from a block's edges picks can change its events: its neighbours' halo."""
        return self.block_ns + self.halo_ns

    def described(self) -> str:
        """Return the derived numbers in words, for a person."""
        p = self.pyocto
        size = f"{self.x_km[1] - self.x_km[0]:.0f} x {self.y_km[1] - self.y_km[0]:.0f} km"
        velocity = (
            f"{len(self.layers)} {'layers' if self.constant_layers else 'gradient nodes'}"
            if self.layers
            else f"vp {self.p_velocity:g}, vs {self.s_velocity:g} km/s"
        )
        return (
            f"{self.n_sites} sites; search box {size}, {self.z_km[0]:g} to {self.z_km[1]:g} km "
            f"deep; {velocity}; n_picks {p['n_picks']}, tolerance {p['tolerance']:g} s, "
            f"cutoff {p['association_cutoff_distance']:g} km, time_before {p['time_before']:g} s; "
            f"blocks of {self.block_ns / 3600e9:g} h with a halo of {self.halo_ns / 1e9:g} s"
            f"{''.join(f'; {limit}' for limit in self.quality.given)}"
        )


def make_design(
    options: AssociateOptions,
    run: str,
    extent: Extent,
    sites: Sequence[Site],
    layers: LayerModel | None,
) -> Design:
    """Settle every number; raise `InputError` if the options contradict each other."""
    _check_finite({**options.model_dump(by_alias=True), **options.pyocto.model_dump()})
    n_sites = count_sites(sites)
    _check_stations(options.quality, n_sites)
    plane = Plane(*extent.center)
    x_km, y_km = _box(extent, plane, options.margin_km)
    diagonal = math.hypot(x_km[1] - x_km[0], y_km[1] - y_km[0])
    span = max(diagonal, _farthest(sites, plane, x_km, y_km))
    z_km = _depths(options, sites, diagonal)
    vp, vs = _velocities(options, diagonal, layers)
    pyocto = _pyocto(options, n_sites, span, vs, layered=layers is not None)
    # All of the slices around a seam, and the picks that could be another's arrival there.
    slice_s = pyocto["time_slicing"] + pyocto["time_before"]
    halo = options.halo_s or math.ceil(slice_s) + 1
    block_ns = _block_ns(options.block_hours)
    return Design(
        run=run,
        sites=tuple((s.name, s.latitude, s.longitude, s.elevation_m) for s in sites),
        groups=tuple((s.name, s.group) for s in sites if s.group not in ("", s.name)),
        epochs=tuple((s.name, s.epoch.start_ns, s.epoch.end_ns) for s in sites if s.epoch != EVER),
        latitude=plane.latitude,
        longitude=plane.longitude,
        x_km=x_km,
        y_km=y_km,
        z_km=z_km,
        layers=tuple(zip(layers.depth_km, layers.vp, layers.vs, strict=True)) if layers else (),
        constant_layers=layers.constant if layers else False,
        p_velocity=vp,
        s_velocity=vs,
        table_spacing_km=min(max(round(span / 400, 1), 0.2), 2.0),
        block_ns=block_ns,
        halo_ns=round(halo * SECOND_NS),
        pyocto=pyocto,
        views=_views(pyocto) if options.views else ({},),
        quality=options.quality,
    )


def _box(
    extent: Extent, plane: Plane, margin_km: float | None
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the smallest box around the extent's outline, widened by the margin, to 10 m.

    A box much larger than the network invites events outside it that swallow the picks of
    those inside: hence the modest default.
    """
    along = np.linspace(0, 1, 33)
    lats = extent.south + (extent.north - extent.south) * along
    lons = extent.west + extent.width_deg * along
    outline_lat = np.concatenate([lats, lats, np.full(33, extent.south), np.full(33, extent.north)])
    outline_lon = np.concatenate([np.full(33, lons[0]), np.full(33, lons[-1]), lons, lons])
    x, y = plane.to_xy(outline_lat, outline_lon)
    diagonal = float(np.hypot(np.ptp(x), np.ptp(y)))
    margin = max(2.0, 0.05 * diagonal) if margin_km is None else margin_km

    def widened(values: np.ndarray[Any, Any]) -> tuple[float, float]:
        low, high = float(values.min()) - margin, float(values.max()) + margin
        return round(low, 2), round(high, 2)

    return widened(x), widened(y)


def _farthest(
    sites: Sequence[Site], plane: Plane, x_km: tuple[float, float], y_km: tuple[float, float]
) -> float:
    """Return the largest distance from a site to a corner of the box."""
    x, y = plane.to_xy([s.latitude for s in sites], [s.longitude for s in sites])
    corners = [np.hypot(x - cx, y - cy).max(initial=0) for cx in x_km for cy in y_km]
    return float(max(corners))


def _check_finite(values: Mapping[str, object]) -> None:
    for name, value in values.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"{name}: {value} is not a finite number")


def _check_stations(quality: CatalogQuality, sites: int) -> None:
    if quality.min_stations is not None and quality.min_stations > sites:
        raise InputError(
            f"min_stations: {quality.min_stations}, but there are {sites} sites: every event "
            "would be rejected"
        )


def _block_ns(hours: float) -> int:
    """Return a length in whole seconds: the key of a block is its start, in microseconds."""
    seconds = round(hours * 3600)
    if seconds < 1:
        raise InputError(f"association blocks of {hours:g} hours are too short; 1 s is the least")
    return seconds * SECOND_NS


def _depths(
    options: AssociateOptions, sites: Sequence[Site], diagonal: float
) -> tuple[float, float]:
    highest = max((s.elevation_m for s in sites), default=0.0) / 1000
    top = options.min_depth_km
    bottom = options.max_depth_km
    z = (
        min(0.0, -math.ceil(highest * 2) / 2) if top is None else top,
        float(min(max(30, round(diagonal / 5, -1)), 200)) if bottom is None else bottom,
    )
    if z[0] >= z[1]:
        raise InputError(f"the search box has no depth: from {z[0]:g} to {z[1]:g} km")
    return z


def _velocities(
    options: AssociateOptions, diagonal: float, layers: LayerModel | None
) -> tuple[float, float]:
    """Crustal velocities for a region, upper mantle's share for a large one."""
    if layers is not None:
        if options.p_velocity or options.s_velocity:
            raise InputError("give either a file of velocities or constant ones, not both")
        return max(layers.vp), min(layers.vs)
    vp, vs = (6.3, 3.7) if diagonal <= _REGIONAL_KM else (7.0, 4.0)
    vp = options.p_velocity or (options.s_velocity * 1.73 if options.s_velocity else vp)
    vs = options.s_velocity or (options.p_velocity / 1.73 if options.p_velocity else vs)
    if vs >= vp:
        raise InputError(f"the S velocity {vs:g} km/s is not below the P velocity {vp:g} km/s")
    return vp, vs


def _views(pyocto: dict[str, Any]) -> tuple[dict[str, float], ...]:
    """Return what three runs over the same picks have different.

    PyOcto's search is greedy: in a swarm an early, mixed event takes the picks of later ones,
    and which does depends on the tolerances.  A strict search and a strict match see other
    candidates; the best supported of all are kept.  Measured in docs/design/association.md.
    """
    search = {"tolerance": round(0.5 * pyocto["tolerance"], 3)}
    match = {"pick_match_tolerance": round(0.4 * pyocto["pick_match_tolerance"], 3)}
    return ({}, search, {**search, **match})


def _pyocto(
    options: AssociateOptions, sites: int, span_km: float, vs: float, *, layered: bool
) -> dict[str, Any]:
    values = options.pyocto.model_dump()
    cutoff = values["association_cutoff_distance"] or min(max(span_km / 2, 100.0), 250.0)
    defaults = {
        "n_picks": min(10, max(6, round(0.7 * sites))),
        "min_node_size_location": min(max(round(span_km / 200, 1), 0.3), 1.5),
        "tolerance": (1.0 if layered else 1.5) + (0.5 if span_km > _REGIONAL_KM else 0.0),
        "association_cutoff_distance": round(cutoff, 1),
        "time_before": float(math.ceil(min(span_km, 2 * cutoff) / (vs if not layered else 3.0))),
    }
    return {k: defaults.get(k) if v is None else v for k, v in values.items()}
