"""Why an event has the picks that it has, and what was found, or not, at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from epicat._util.files import cache_folder
from epicat.association.associator import Associator, SitePick, site_picks
from epicat.association.candidates import Candidate, Needs, exclusive
from epicat.association.design import Design
from epicat.association.rates import sift, whole_bins
from epicat.association.sites import SiteIndex
from epicat.campaign.campaign import Campaign
from epicat.errors import InputError
from epicat.model import Span
from epicat.store.base import ReadableStore, Where
from epicat.time import SECOND_NS, iso, parse_time

__all__ = ["explain"]

_NEAR_NS = 30 * SECOND_NS
"""Events so near to a time are named."""
_SAME_NS = 5 * SECOND_NS
"""An event so near to a time is explained."""
_SEEN_S = 5.0
"""Picks so far from a predicted arrival are shown."""
_NEAREST = 40
"""Sites that are shown, nearest first."""


@dataclass(frozen=True, slots=True)
class _Around:
    """What is known around a time."""

    time_ns: int
    picks: list[SitePick]
    """Picks of the slices that hold the time."""
    events: list[Candidate]
    """Events among them."""


def explain(campaign: Campaign, store: ReadableStore, what: str) -> Iterator[str]:
    """Give lines of text about an event, named by its id or the beginning of it, or about a time.

    The picks around it are associated again with the design of the campaign.  Raises `InputError`
    if ``what`` is neither a time nor an event of the associator.
    """
    design = campaign.design
    time_ns = _time_of(what, design, store)
    plane, radius_m = design.plane, campaign.site_radius_m
    index = SiteIndex.from_stations(campaign.stations, plane, radius_m)
    associator = Associator(design, cache_folder("traveltimes"))
    around = _associated(campaign, store, index, associator, time_ns)
    yield f"{iso(time_ns)}, associator {design.digest}"
    near = [e for e in around.events if abs(e.time_ns - time_ns) <= _NEAR_NS]
    yield f"{len(near)} events within {_NEAR_NS // SECOND_NS} s"
    for event in near:
        yield f"  {_about(event, design)}, {(event.time_ns - time_ns) / SECOND_NS:+.2f} s away"
    here = [e for e in near if abs(e.time_ns - time_ns) <= _SAME_NS]
    if here:
        event = min(here, key=lambda e: (abs(e.time_ns - time_ns), e.picks))
        yield from _picks_of(event, around, design, associator)
    else:
        yield from _missing(around, design)


def _time_of(what: str, design: Design, store: ReadableStore) -> int:
    try:
        return parse_time(what)
    except InputError:
        rows = store.read("events", Where(design=design.digest))
    ids = rows["event_id"].to_pylist()
    fitting = [n for n, event_id in enumerate(ids) if event_id.startswith(what)]
    if len(fitting) != 1:
        raise InputError(
            f"--explain {what!r}: {len(fitting)} events of associator {design.digest} have an id "
            "that begins so; give one id, or a UTC time such as 2019-06-21T12:30:00"
        )
    return int(rows["time"].cast("int64")[fitting[0]].as_py())


def _associated(
    campaign: Campaign,
    store: ReadableStore,
    index: SiteIndex,
    associator: Associator,
    time_ns: int,
) -> _Around:
    """Associate all slices that the time is in."""
    design = campaign.design
    span = Span(time_ns - design.slicing.span_ns, time_ns + 2 * design.slicing.span_ns)
    where = Where(design=campaign.run.digest, span=whole_bins(span, design.quality))
    kept = sift(store.read("picks", where), design.quality).within(span).kept
    picks = site_picks(kept, index, design.s_velocity)
    found = exclusive(associator.associate(picks), Needs.from_pyocto(design.pyocto))
    return _Around(time_ns, picks, found)


def _about(event: Candidate, design: Design) -> str:
    latitude, longitude = (v.item() for v in design.plane.to_lat_lon(event.x_km, event.y_km))
    phases = [pick.phase for pick in event.picks]
    return (
        f"{iso(event.time_ns)} {latitude:.4f} {longitude:.4f} {event.z_km:.1f} km deep: "
        f"{phases.count('P')} P, {phases.count('S')} S, rms {event.rms_s:.2f} s"
        + (f", {event.dropped} impossible arrivals dropped" if event.dropped else "")
    )


def _picks_of(
    event: Candidate, around: _Around, design: Design, associator: Associator
) -> Iterator[str]:
    """Give a line for each phase at the nearest sites: what was expected and what became of it."""
    place = (event.x_km, event.y_km, event.z_km)
    predicted, distance = associator.predicted(place)
    owners = {p.pick_id: e for e in around.events for p in e.picks}
    names = [name for name, *_ in design.sites]
    cutoff = float(design.pyocto["association_cutoff_distance"])
    match = float(design.pyocto["pick_match_tolerance"])
    yield f"picks near the predicted arrivals of {iso(event.time_ns)}, by distance"
    for site in np.argsort(distance, kind="stable")[:_NEAREST].tolist():
        for phase, times in zip("PS", predicted, strict=True):
            expected_ns = event.time_ns + round(float(times[site]) * SECOND_NS)
            said = _became(event, expected_ns, (names[site], phase), around, owners, match)
            beyond = "" if distance[site] <= cutoff else " (beyond the cutoff of the search)"
            yield (
                f"  {names[site]} {phase} {distance[site]:.1f} km, expected "
                f"{iso(expected_ns)[11:22]}: {said}{beyond}"
            )


def _became(
    event: Candidate,
    expected_ns: int,
    arrival: tuple[str, str],
    around: _Around,
    owners: dict[str, Candidate],
    match_s: float,
) -> str:
    """Return what became of the picks of one phase at one site."""
    name, phase = arrival
    seen = [
        (abs(late), late, pick)
        for pick in around.picks
        if (pick.position or pick.site) == name and pick.phase == phase
        for late in [(pick.time_ns - expected_ns) / SECOND_NS]
        if abs(late) <= _SEEN_S
    ]
    if not seen:
        return f"no {phase} pick within {_SEEN_S:g} s"
    for _, late, pick in seen:
        if owners.get(pick.pick_id) is event:
            return f"joined, residual {late:+.2f} s"
    _, late, pick = min(seen, key=lambda s: s[:2])
    owner = owners.get(pick.pick_id)
    if owner is not None:
        return f"pick {late:+.2f} s, which the event {iso(owner.time_ns)[11:22]} has"
    if abs(late) > match_s:
        return f"pick {late:+.2f} s, beyond pick_match_tolerance {match_s:g} s"
    return (
        f"pick {late:+.2f} s, not taken: PyOcto takes the first pick within the tolerance, and "
        "leaves out sites whose nearer ones have no picks (min_pick_fraction)"
    )


def _missing(around: _Around, design: Design) -> Iterator[str]:
    """Give lines on why no event is at a time: what the picks there come to at best."""
    before_ns = round(float(design.pyocto["time_before"]) * SECOND_NS)
    start, end = around.time_ns - _SAME_NS, around.time_ns + before_ns
    near = [p for p in around.picks if start <= p.time_ns < end]
    counts = [sum(p.phase == phase for p in near) for phase in "PS"]
    yield (
        f"no event within {_SAME_NS // SECOND_NS} s; from {_SAME_NS // SECOND_NS} s before to "
        f"{before_ns // SECOND_NS} s after there are {counts[0]} P and {counts[1]} S picks at "
        f"{len({p.site for p in near})} sites"
    )
    yield from _best(near, around, design)


def _best(near: Sequence[SitePick], around: _Around, design: Design) -> Iterator[str]:
    p = design.pyocto
    needs = (
        f"an event needs {p['n_picks']} picks, {p['n_p_picks']} P, {p['n_s_picks']} S, and "
        f"{p['n_p_and_s_picks']} sites with both"
    )
    least = {"n_picks": 4, "n_p_picks": 1, "n_s_picks": 0, "n_p_and_s_picks": 0}
    relaxed = design.model_copy(update={"pyocto": {**p, **least, "second_pass_overwrites": None}})  # nosec B105
    found = Associator(relaxed, cache_folder("traveltimes")).associate(near)
    good = [c for c in found if abs(c.time_ns - around.time_ns) <= _SAME_NS]
    if not good:
        yield f"no 4 of them fit one hypocenter at that time; {needs}"
        return
    best = max(good, key=lambda c: (len(c.picks), -c.rms_s, c.time_ns))
    sites = {phase: {q.site for q in best.picks if q.phase == phase} for phase in ("P", "S")}
    yield (
        f"at best {len(best.picks)} of them fit one hypocenter, {len(sites['P'] & sites['S'])} "
        f"sites with both phases: {_about(best, design)}; {needs}"
    )
    taken = {q.pick_id: e for e in around.events for q in e.picks}
    others = {iso(taken[q.pick_id].time_ns) for q in best.picks if q.pick_id in taken}
    if others:
        yield f"other events have some of these picks: {', '.join(sorted(others))}"
