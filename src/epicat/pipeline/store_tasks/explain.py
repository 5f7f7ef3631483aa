"""Why an event has the picks that it has, and what was found, or not, at a time."""

from __future__ import annotations

from collections import Counter
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
_SAME_NS = 2 * SECOND_NS
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
    left_out: list[SitePick]
    """Picks of instruments with more picks in an hour or day than allowed."""
    events: list[Candidate]
    """Events among the picks."""


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
    if not campaign.span.start_ns <= time_ns < campaign.span.end_ns:
        start, end = iso(campaign.span.start_ns)[:16], iso(campaign.span.end_ns)[:16]
        yield f"outside {start} to {end}: these settings give no events there"
    near = [e for e in around.events if abs(e.time_ns - time_ns) <= _NEAR_NS]
    yield f"{_count(len(near), 'event')} within {_NEAR_NS // SECOND_NS} s"
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
            f"--explain {what!r}: {_not_one(what, len(fitting), len(ids), design, store)}"
        )
    return int(rows["time"].cast("int64")[fitting[0]].as_py())


def _not_one(what: str, fitting: int, events: int, design: Design, store: ReadableStore) -> str:
    """Say why an id is not that of one event."""
    ask = "give an event id, or a UTC time such as 2019-06-21T12:30:00"
    if fitting > 1:
        return f"{fitting} events have an id that begins so; give more of it"
    everything = store.read("events", Where())
    pairs = zip(everything["event_id"].to_pylist(), everything["design"].to_pylist(), strict=True)
    others = sorted({own for event_id, own in pairs if event_id.startswith(what)})
    if others:
        return (
            f"this event is of associator {', '.join(others)}, and these settings are those of "
            f"{design.digest}; give the settings that it was associated with, or a UTC time"
        )
    if not events:
        return (
            f"the store has no events of associator {design.digest}; run this command without "
            f"--explain first, or {ask}"
        )
    return f"none of the {events:,} events of associator {design.digest} has this id; {ask}"


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
    sifted = sift(store.read("picks", where), design.quality).within(span)
    picks, left_out = (
        site_picks(rows, index, design.s_velocity) for rows in (sifted.kept, sifted.left_out)
    )
    found = exclusive(associator.associate(picks), Needs.from_pyocto(design.pyocto))
    return _Around(time_ns, picks, left_out, found)


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
    allowed = associator.allowed_s(predicted)
    owners = {p.pick_id: e for e in around.events for p in e.picks}
    names = [name for name, *_ in design.sites]
    cutoff = float(design.pyocto["association_cutoff_distance"])
    order = np.argsort(distance, kind="stable")[:_NEAREST].tolist()
    yield f"picks near the predicted arrivals of {iso(event.time_ns)}, by distance"
    is_beyond = False
    for site in order:
        if distance[site] > cutoff and not is_beyond:
            is_beyond = True
            yield f"  beyond the cutoff of {cutoff:g} km, matched to the event once it was found:"
        for row, phase in enumerate("PS"):
            expected_ns = event.time_ns + round(float(predicted[row, site]) * SECOND_NS)
            arrival = _Arrival(names[site], phase, expected_ns, float(allowed[row, site]))
            yield (
                f"  {names[site]} {phase} {distance[site]:.1f} km, expected "
                f"{iso(expected_ns)[11:22]}: {_became(event, arrival, around, owners)}"
            )
    if (rest := len(names) - len(order)) > 0:
        yield f"  and {rest} farther sites"


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A predicted arrival."""

    site: str
    """Position of the site."""
    phase: str
    """``P`` or ``S``."""
    time_ns: int
    """Predicted time."""
    allowed_s: float
    """Largest residual of its pick."""

    def near(self, picks: Sequence[SitePick]) -> list[tuple[float, float, SitePick]]:
        """Return size and sign of the residual of each pick that is near, the nearest first."""
        late = (
            ((pick.time_ns - self.time_ns) / SECOND_NS, pick)
            for pick in picks
            if (pick.position or pick.site) == self.site and pick.phase == self.phase
        )
        longest = max(_SEEN_S, self.allowed_s)
        return sorted((abs(s), s, pick) for s, pick in late if abs(s) <= longest)


def _became(
    event: Candidate, arrival: _Arrival, around: _Around, owners: dict[str, Candidate]
) -> str:
    """Return what became of the picks of one phase at one site."""
    seen = arrival.near(around.picks)
    for _, late, pick in seen:
        if owners.get(pick.pick_id) is event:
            return f"joined, residual {late:+.2f} s"
    if not seen:
        crowded = arrival.near(around.left_out)
        if crowded:
            return f"pick {crowded[0][1]:+.2f} s, left out: too many picks of its instrument"
        return f"no {arrival.phase} pick within {_SEEN_S:g} s"
    _, late, pick = seen[0]
    owner = owners.get(pick.pick_id)
    if owner is not None:
        return f"pick {late:+.2f} s, which the event {iso(owner.time_ns)[11:22]} has"
    if abs(late) > arrival.allowed_s:
        return f"pick {late:+.2f} s, more than the {arrival.allowed_s:.2g} s allowed here"
    return (
        f"pick {late:+.2f} s, not taken: too few of the sites up to here have picks "
        "(min_pick_fraction), or its S would not be after its P"
    )


def _missing(around: _Around, design: Design) -> Iterator[str]:
    """Give lines on why no event is at a time: what the picks there come to at best."""
    before_ns = round(float(design.pyocto["time_before"]) * SECOND_NS)
    start, end = around.time_ns - _SAME_NS, around.time_ns + before_ns
    near = [p for p in around.picks if start <= p.time_ns < end]
    p, s = (_count(sum(q.phase == phase for q in near), f"{phase} pick") for phase in "PS")
    sites = _count(len({q.site for q in near}), "site")
    yield (
        f"no event within {_SAME_NS // SECOND_NS} s; from {_SAME_NS // SECOND_NS} s before to "
        f"{before_ns // SECOND_NS} s after: "
        + (f"{p} and {s} at {sites}" if near else "no picks at the sites of this associator")
    )
    crowded = sum(start <= q.time_ns < end for q in around.left_out)
    if crowded:
        yield f"{_count(crowded, 'pick')} left out there: too many picks of their instruments"
    if near:
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
        yield f"no 4 of them fit one hypocenter in the search box at that time; {needs}"
        return
    best = max(good, key=lambda c: (len(c.picks), -c.rms_s, c.time_ns))
    sites = {phase: {q.site for q in best.picks if q.phase == phase} for phase in ("P", "S")}
    yield (
        f"at best {len(best.picks)} of them fit one hypocenter, "
        f"{_count(len(sites['P'] & sites['S']), 'site')} with both phases: "
        f"{_about(best, design)}; {needs}"
    )
    unmet = Needs.from_pyocto(p).unmet_by((q.site, q.phase) for q in best.picks)
    if text := ", ".join(unmet):
        yield f"too few: {text}"
    taken = {q.pick_id: e for e in around.events for q in e.picks}
    owners = Counter(iso(taken[q.pick_id].time_ns) for q in best.picks if q.pick_id in taken)
    if owners:
        texts = (f"{_count(count, 'pick')} in {time}" for time, count in sorted(owners.items()))
        yield f"other events have some of these picks: {', '.join(texts)}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
