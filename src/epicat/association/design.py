"""The design of an association: every number that decides its result, derived once.

Defaults come from the geometry of the campaign, never from a block's picks: the same for the
first block and the last.  The digest of a design names its events.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from epicat.association.associate_options import AssociateOptions, PyOctoOptions
from epicat.association.network import Network
from epicat.association.quality import CatalogQuality
from epicat.association.search_rules import (
    LEAST_MATCHED_KM,
    Rules,
    deep_tolerance,
    depth_ranges,
)
from epicat.association.sites import Site, count_sites
from epicat.association.slices import Slicing
from epicat.errors import InputError
from epicat.geo import Extent, Plane
from epicat.model import EVER, digest_of
from epicat.time import SECOND_NS
from epicat.velocity.layers import LayerModel
from epicat.velocity.travel_times import travel_times

__all__ = ["Design", "make_design"]

_ALGORITHM = 6
"""Raised whenever the same design gives other events."""
_REGIONAL_KM = 400.0
"""Aperture of a network from which rays run in the mantle."""
_MODEL_ERROR = 0.02
"""Relative error of the travel times of a layered model."""
_CONSTANT_ERROR = 0.03
"""The same of constant velocities."""
_MARGIN = 0.05
"""Margin around the extent over its diagonal."""
_NEIGHBOURS = 4
"""Sites whose distance says whether a site can share an event with others: itself and three."""
_REACH = 0.3
"""How far outside a network events are looked for, over its aperture."""
_LEAST_REACH_KM = 10.0
"""The same at least."""
_LEAST_PICKS = 6
_PICKED_SHARE = 0.7
"""Share of the P and S of a small network that an event needs at most."""
_SPHERICAL_KM, _SPHERICAL_DEPTH_KM = 200.0, 100.0
"""Length and depth of a box from which a flat Earth is 0.1 s off; layers are spherical there."""
_TABLE_BYTES = 256e6
"""Memory for the tables of travel times of all sites."""


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
    spherical: bool = False
    """Whether layers are shells of a spherical Earth."""
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
    model_error: float
    """Relative error of travel times that the search allows for."""
    algorithm: int = _ALGORITHM
    """Version of epicat's own part."""
    quality: CatalogQuality = CatalogQuality()
    """Which picks are left out, and which events are rejected."""
    wanted: Extent | None = None
    """Where events are wanted, if not in all of the search box: others are rejected."""
    velocity: str = ""
    """Name of the layered model."""
    reasons: dict[str, str] = {}
    """Why each derived number is what it is."""

    @property
    def digest(self) -> str:
        """Names the design; equal for equal designs.  Names and reasons are not part of it."""
        unused = {
            name for name in ("groups", "epochs", "spherical", "wanted") if not getattr(self, name)
        }
        # In the order of keys: a store may return the parameters of PyOcto in another one.
        given = self.model_dump(mode="json", exclude={"quality", "velocity", "reasons", *unused})
        text = json.dumps(given, sort_keys=True)
        return digest_of(text, *self.quality.given)

    @property
    def n_sites(self) -> int:
        """Number of sites, each counted once with all its positions."""
        return len(self.sites) - len(self.groups)

    @property
    def positions(self) -> tuple[Site, ...]:
        """The positions of the sites, without their groups and epochs."""
        return tuple(Site(*row) for row in self.sites)

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
        return LayerModel(depth, vp, vs, self.constant_layers, self.spherical)

    @property
    def table_depth_step_km(self) -> float:
        """Depths of sites are rounded to this, so that those of like depth share a table."""
        return self.table_spacing_km / 10

    @property
    def table_length_km(self) -> float:
        """A distance that no site is from any point of the box."""
        network = Network.from_sites(self.positions, self.plane)
        box = math.hypot(self.x_km[1] - self.x_km[0], self.y_km[1] - self.y_km[0])
        farthest = max(network.farthest_km(self.x_km, self.y_km), box)
        return math.ceil(farthest + 2 * self.table_spacing_km)

    @property
    def slicing(self) -> Slicing:
        """The time slices that PyOcto searches."""
        return Slicing.from_seconds(self.pyocto["time_slicing"], self.pyocto["time_before"])

    @property
    def reach_ns(self) -> int:
        """How far from a block's edges picks can change its events: its neighbours' halo."""
        return self.block_ns + self.halo_ns

    def described(self) -> str:
        """Return the derived numbers in words."""
        p = self.pyocto
        size = f"{self.x_km[1] - self.x_km[0]:.0f} x {self.y_km[1] - self.y_km[0]:.0f} km"
        kind = "layers" if self.constant_layers else "gradient nodes"
        kind = f"spherical {kind}" if self.spherical else kind
        velocity = (
            f"{self.velocity or 'velocity model'} ({len(self.layers)} {kind})"
            if self.layers
            else f"vp {self.p_velocity:g}, vs {self.s_velocity:g} km/s"
        )
        return (
            f"{self.n_sites} sites; search box {size}, {self.z_km[0]:g} to {self.z_km[1]:g} km "
            f"deep; {velocity}; n_picks {p['n_picks']}, tolerance {p['tolerance']:g} s, "
            f"match {p['pick_match_tolerance']:g} s, "
            f"cutoff {p['association_cutoff_distance']:g} km, time_before {p['time_before']:g} s; "
            f"blocks of {self.block_ns / 3600e9:g} h with a halo of {self.halo_ns / 1e9:g} s"
            f"{''.join(f'; {limit}' for limit in self.quality.given)}"
        )

    def explained(self) -> list[str]:
        """Return a line for each derived number: its name, its value and the rule behind it."""
        return [
            f"{name} {self.pyocto[name]:g}: {why}" if name in self.pyocto else f"{name}: {why}"
            for name, why in self.reasons.items()
        ]

    def report(self) -> list[str]:
        """Return what the user sees: the numbers, the rules behind them, and contradictions."""
        rules = [f"  {line}" for line in self.explained()]
        return [self.described(), *rules, *(f"warning: {c}" for c in self.contradictions())]

    def contradictions(self) -> list[str]:
        """Return a sentence for each setting that another one, or the network, defeats."""
        return list(_contradictions(self))


def _contradictions(design: Design) -> Iterator[str]:
    p, sites = design.pyocto, design.n_sites
    needed = max(-(-p["n_picks"] // 2), p["n_p_picks"], p["n_s_picks"], p["n_p_and_s_picks"])
    if sites < needed:
        yield (
            f"{sites} {'site' if sites == 1 else 'sites'}, but an event needs picks at {needed} "
            f"sites at least (n_picks {p['n_picks']}, n_p_picks {p['n_p_picks']}, n_s_picks "
            f"{p['n_s_picks']}, n_p_and_s_picks {p['n_p_and_s_picks']}): no event can be found, "
            "only picks are made"
        )
    network = Network.from_sites(design.positions, design.plane)
    near = _sites_near_box(design, network)
    if near < needed <= sites:
        yield (
            f"{near} of {sites} sites are within association_cutoff_distance "
            f"{p['association_cutoff_distance']:g} km of the search box, and an event needs "
            f"{needed}: hardly any event can be found; stations are taken from EXTENT, events "
            "are looked for in the search box (--event-extent, --margin)"
        )
    deepest = design.z_km[1] - float(np.min(network.depth_km, initial=0.0))
    cutoff = p["association_cutoff_distance"]
    if not design.layers and cutoff < deepest:
        yield (
            f"association_cutoff_distance {cutoff:g} km is less than the depth of the search box "
            f"below the highest site, {deepest:g} km: deeper events cannot be found"
        )
    speed = design.layer_model or LayerModel((0.0,), (design.p_velocity,), (design.s_velocity,))
    highest = float(np.min(network.depth_km, initial=0.0))
    straight_up = travel_times(speed, "S", highest, np.zeros(1), np.array([design.z_km[1]]))
    if p["time_before"] < straight_up.max():
        yield (
            f"time_before {p['time_before']:g} s is less than the S travel time from "
            f"{design.z_km[1]:g} km depth straight up, {straight_up.max():.0f} s: events near the "
            "ends of time slices lose picks or are missed"
        )
    least = p["time_slicing"] + p["time_before"]
    if design.halo_ns < least * SECOND_NS:
        yield (
            f"halo {design.halo_ns / SECOND_NS:g} s is less than time_slicing and time_before, "
            f"{least:g} s: events near the edges of blocks may differ"
        )


def _sites_near_box(design: Design, network: Network) -> int:
    """Return the number of positions within the cutoff of where events are wanted, on the map."""
    searched = [design.x_km, design.y_km]
    sides = _sides(design.wanted, design.plane) if design.wanted else searched
    outside = [
        np.maximum(np.maximum(low - place, place - high), 0.0)
        for place, (low, high) in zip((network.x_km, network.y_km), sides, strict=True)
    ]
    cutoff = design.pyocto["association_cutoff_distance"]
    return int(np.count_nonzero(np.hypot(*outside) <= cutoff))


def make_design(
    options: AssociateOptions,
    run: str,
    extent: Extent,
    sites: Sequence[Site],
    layers: LayerModel | None,
    velocity: str = "",
) -> Design:
    """Derive every number that is not set; raise `InputError` if the options contradict.

    ``velocity`` names the layered model for the user.
    """
    _check_finite({**options.model_dump(by_alias=True), **options.pyocto.model_dump()})
    n_sites = count_sites(sites)
    _check_stations(options.quality, n_sites)
    plane = Plane(*extent.center)
    network = Network.from_sites(sites, plane)
    vp, vs = _velocities(options, network, layers)
    error = _MODEL_ERROR if layers else _CONSTANT_ERROR
    rules = Rules.from_network(network, error, options.pyocto.association_cutoff_distance)
    x_km, y_km, why_box = _box(options, extent, plane, network, rules.cutoff_km)
    span = max(math.hypot(x_km[1] - x_km[0], y_km[1] - y_km[0]), network.farthest_km(x_km, y_km))
    z_km = _depths(options, network)
    is_large = span > _SPHERICAL_KM or z_km[1] > _SPHERICAL_DEPTH_KM
    if layers and is_large:
        layers = replace(layers, spherical=True)
    speed = layers or LayerModel((0.0,), (vp,), (vs,))
    search = _Search(rules, network, n_sites, z_km, span, speed, layers is not None)
    pyocto, reasons = _pyocto(options.pyocto, search)
    # All of the slices around a seam, and the picks that could be another's arrival there.
    slice_s = pyocto["time_slicing"] + pyocto["time_before"]
    halo = options.halo_s or math.ceil(slice_s) + 1
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
        spherical=layers.spherical if layers else False,
        p_velocity=vp,
        s_velocity=vs,
        table_spacing_km=_table_spacing(span, z_km, rules.node_km, len(sites)),
        block_ns=_block_ns(options.block_hours),
        halo_ns=round(halo * SECOND_NS),
        pyocto=pyocto,
        model_error=error,
        quality=options.quality,
        wanted=options.event_extent,
        velocity=velocity,
        reasons={"search box": why_box, **reasons, **_ranges(pyocto, z_km, error)},
    )


def _ranges(
    pyocto: Mapping[str, Any], z_km: tuple[float, float], model_error: float
) -> dict[str, str]:
    """Say which depths are searched with a tolerance of their own, if any are."""
    deep = depth_ranges(z_km, pyocto["association_cutoff_distance"])[1:]
    texts = (
        f"{top:g} to {bottom:g} km with a tolerance of {max(tolerance, pyocto['tolerance']):g} s"
        for top, bottom in deep
        for tolerance, _, _ in [deep_tolerance(model_error, bottom)]
    )
    return {"depths below the cutoff": ", ".join(texts)} if deep else {}


def _box(
    options: AssociateOptions, extent: Extent, plane: Plane, network: Network, cutoff_km: float
) -> tuple[tuple[float, float], tuple[float, float], str]:
    """Return the search box to 10 m, and why it is that one.

    A box much larger than the network invites events outside it that take the picks of
    those inside.  So without ``--margin`` it reaches no farther than events that the network can
    hold.  Around ``--event-extent`` it reaches as far as an event shares sites with one inside:
    events outside would be placed at its edge.
    """
    within = options.event_extent or extent
    inner = _sides(within, plane)
    width, height = (high - low for low, high in inner)
    diagonal = float(np.hypot(width, height))
    margin = options.margin_km
    if margin is None:
        margin = cutoff_km if options.event_extent else max(2.0, _MARGIN * diagonal)
    box = [(low - margin, high + margin) for low, high in inner]
    why = f"{'EVENT_EXTENT' if options.event_extent else 'EXTENT'} and {margin:.1f} km around it"
    if options.margin_km is None and len(network):
        box = _near_network(box, network, cutoff_km)
        if options.event_extent:
            box = [
                (min(a, low), max(b, high)) for (a, b), (low, high) in zip(box, inner, strict=True)
            ]
        why += f", where it is within {_reach_km(network):.0f} km of sites that have neighbours"
    sides = tuple((round(low, 2), round(high, 2)) for low, high in box)
    if any(low >= high for low, high in sides):
        raise InputError(
            f"margin: {margin:g} km leaves nothing of {within}; give a margin above "
            f"{-min(width, height) / 2:.0f} km"
        )
    return sides[0], sides[1], why


def _near_network(
    box: list[tuple[float, float]], network: Network, cutoff_km: float
) -> list[tuple[float, float]]:
    """Return the part of a box around the sites that can share an event with others."""
    near = network.distance_to_nth_km(_NEIGHBOURS) <= cutoff_km
    held = network.take(np.flatnonzero(near)) if near.any() else network
    reach = _reach_km(network)
    around = [(float(v.min()) - reach, float(v.max()) + reach) for v in (held.x_km, held.y_km)]
    parts = [
        (max(low, first), min(high, last))
        for (low, high), (first, last) in zip(box, around, strict=True)
    ]
    return parts if all(low < high for low, high in parts) else box


def _reach_km(network: Network) -> float:
    """Return how far outside a network events are looked for."""
    return max(_LEAST_REACH_KM, _REACH * network.aperture_km)


def _sides(extent: Extent, plane: Plane) -> list[tuple[float, float]]:
    """Return the sides in km, in x and in y, of the box around an extent."""
    along = np.linspace(0, 1, 33)
    lats = extent.south + (extent.north - extent.south) * along
    lons = extent.west + extent.width_deg * along
    latitudes = np.concatenate([lats, lats, np.full(33, extent.south), np.full(33, extent.north)])
    longitudes = np.concatenate([np.full(33, lons[0]), np.full(33, lons[-1]), lons, lons])
    return [(float(v.min()), float(v.max())) for v in plane.to_xy(latitudes, longitudes)]


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


def _depths(options: AssociateOptions, network: Network) -> tuple[float, float]:
    """Return top and bottom of the search box: deeper events need a wider network to be seen."""
    highest = max(float(np.max(-network.depth_km, initial=0.0)), 0.0)
    top = options.min_depth_km
    bottom = options.max_depth_km
    z = (
        min(0.0, -math.ceil(highest * 2) / 2) if top is None else top,
        float(min(max(30, round(network.aperture_km / 5, -1)), 200)) if bottom is None else bottom,
    )
    if z[0] >= z[1]:
        raise InputError(f"the search box has no depth: from {z[0]:g} to {z[1]:g} km")
    return z


def _velocities(
    options: AssociateOptions, network: Network, layers: LayerModel | None
) -> tuple[float, float]:
    """Return vp and vs in km/s: of a layered model the fastest vp and the slowest vs.

    Without a model and options they are the crust's for a region, and nearer to the upper
    mantle's for a large one, where most rays run.
    """
    if layers is not None:
        if options.p_velocity or options.s_velocity:
            raise InputError("give either a model of velocities or constant ones, not both")
        return max(layers.vp), min(layers.vs)
    vp, vs = (6.0, 3.47) if network.aperture_km <= _REGIONAL_KM else (7.0, 4.0)
    vp = options.p_velocity or (options.s_velocity * 1.73 if options.s_velocity else vp)
    vs = options.s_velocity or (options.p_velocity / 1.73 if options.p_velocity else vs)
    if vs >= vp:
        raise InputError(f"the S velocity {vs:g} km/s is not below the P velocity {vp:g} km/s")
    return vp, vs


def _table_spacing(span_km: float, z_km: tuple[float, float], node_km: float, sites: int) -> float:
    """Return the spacing of the tables: fine, and such that all of them fit into memory.

    PyOcto's search takes the times of the nodes around a volume, which widens it by the spacing:
    that must be little compared with its smallest volume.
    """
    height_km = z_km[1] - z_km[0]
    nodes = _TABLE_BYTES / (16 * max(sites, 1))
    fitting = math.sqrt(span_km * (height_km + 5) / nodes)
    fine = min(max(max(span_km, height_km) / 400, 0.2), max(node_km / 5, 0.2))
    return math.ceil(10 * max(fine, fitting)) / 10


@dataclass(frozen=True, slots=True)
class _Search:
    """What PyOcto's parameters are derived from."""

    rules: Rules
    network: Network
    n_sites: int
    z_km: tuple[float, float]
    span_km: float
    speed: LayerModel
    is_layered: bool
    """Whether PyOcto gets tables of travel times."""

    @property
    def cutoff_km(self) -> float:
        """PyOcto's cutoff: a horizontal distance with layers, else one in space."""
        cutoff = self.rules.cutoff_km
        return cutoff if self.is_layered else math.hypot(cutoff, self._deepest_km)

    @property
    def coarsest_needed_km(self) -> float:
        """Node of the location that is small enough for a box so deep: it is divided 10 times."""
        return min(round((self.z_km[1] - self.z_km[0]) / 1000, 2), 2.0)

    @property
    def longest_s(self) -> float:
        """Longest S travel time to a site that may belong to an event."""
        distance = min(self.span_km, max(2 * self.rules.cutoff_km, LEAST_MATCHED_KM))
        highest = float(np.min(self.network.depth_km, initial=0.0))
        ends = np.array(self.z_km)
        times = travel_times(self.speed, "S", highest, np.array([distance]), ends)
        return float(times.max())

    @property
    def _deepest_km(self) -> float:
        """Bottom of the box below the highest site."""
        return self.z_km[1] - float(np.min(self.network.depth_km, initial=0.0))


def _pyocto(options: PyOctoOptions, search: _Search) -> tuple[dict[str, Any], dict[str, str]]:
    """Return PyOcto's parameters, and why those that are derived are what they are."""
    rules, sites = search.rules, search.n_sites
    n_picks = min(rules.n_picks, max(_LEAST_PICKS, round(_PICKED_SHARE * 2 * sites)))
    longest = search.longest_s + rules.tolerance_s
    derived = {
        "n_picks": n_picks,
        "min_node_size": rules.node_km,
        "min_node_size_location": max(rules.location_node_km, search.coarsest_needed_km),
        "tolerance": rules.tolerance_s,
        "pick_match_tolerance": rules.match_s,
        "association_cutoff_distance": round(search.cutoff_km, 1),
        "time_before": float(math.ceil(longest)),
    }
    given = options.model_dump()
    values = {k: derived.get(k) if v is None else v for k, v in given.items()}
    reasons = {
        **rules.reasons,
        "min_node_size_location": "a tenth of min_node_size, 0.2 to 2 km",
        "time_before": "longest S travel time to sites within twice the cutoff",
    }
    return values, {k: v for k, v in reasons.items() if given.get(k) is None}
