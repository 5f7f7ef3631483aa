"""Measure the amplitudes of a station-day: its instruments and picks in, rows and entry out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import pyarrow as pa

from epicat.amplitude.design import AmplitudeDesign
from epicat.amplitude.instrument import Component, Measured, measure_instrument
from epicat.amplitude.response import common_response
from epicat.amplitude.rows import COMPONENTS, to_rows
from epicat.campaign.pick_run import PickRun
from epicat.ledger import Flag, MeasureEntry, Status
from epicat.model import EVER, Pick, Place, Span, StationDay, digest_of
from epicat.stations.responses import Known, Responses
from epicat.store.responses import StoredResponse
from epicat.tables import TableName
from epicat.time import iso
from epicat.waveforms.channel_selection import Choice
from epicat.waveforms.traces import Trace

__all__ = [
    "Instrument",
    "Measuring",
    "Rows",
    "measure_station_day",
    "measured_codes",
    "response_rows",
    "responses_digest",
]

_NO_RESPONSE: Final = "channel without response"
_SMALL: Final = 0.2
"""Weight of a channel in a component that is a correction rather than a mixture."""

Terms = Sequence[tuple[str, float]]
Rows = dict[TableName, pa.Table]


class Measuring(Protocol):
    """What decides the amplitudes of a station-day: of a campaign, or of a store."""

    @property
    def amplitudes(self) -> AmplitudeDesign | None:
        """The identity of the amplitudes."""
        ...

    @property
    def responses(self) -> Responses:
        """The responses of channels."""
        ...

    @property
    def places(self) -> Mapping[str, Place]:
        """The places by name."""
        ...

    @property
    def picking(self) -> PickRun:
        """The run of the picks."""
        ...


def response_rows(responses: Responses) -> list[StoredResponse]:
    """Return what a store keeps of responses, those that the user gave included."""
    rows = [
        StoredResponse(
            channel, *_ends(epoch), unit, gain if not problem else 0.0, len(stages), False, problem
        )
        for channel, epoch, unit, gain, stages, problem in responses.rows
    ]
    given = [
        StoredResponse(
            flat.pattern, "", "", flat.response.unit, flat.response.gain,
            len(flat.response.shapes), True, "",
        )
        for flat in responses.flat
    ]  # fmt: skip
    return rows + given


def _ends(epoch: Span) -> tuple[str, str]:
    begin = iso(epoch.start_ns) if epoch.start_ns > EVER.start_ns else ""
    return begin, iso(epoch.end_ns) if epoch.end_ns < EVER.end_ns else ""


def responses_digest(given: Measuring, key: StationDay) -> str:
    """Return a digest of the responses of a place's channels around a day; empty if unknown."""
    place = given.places[key.station]
    span = key.span.widened(given.picking.halo_ns)
    return given.responses.digest(f"{place.network}.{place.code}", span)


@dataclass(frozen=True, slots=True)
class Instrument:
    """An instrument that was picked on a day, with its samples as recorded."""

    location: str
    """Location code."""
    band: str
    """Band and instrument code."""
    channels: Mapping[str, Sequence[Trace]]
    """Traces by component code."""
    weights: Mapping[str, Terms]
    """The codes that the components Z, N, E are made of."""
    components: Mapping[str, Sequence[Trace]]
    """Traces of the components, of a sensor whose channels are not vertical and horizontal."""

    @classmethod
    def from_choice(cls, choice: Choice) -> Instrument:
        """Take the channels of a choice."""
        mixed = choice.components if measured_codes(choice.weights) is None else {}
        weights = {slot: tuple(terms) for slot, terms in choice.weights.items()}
        return cls(choice.location, choice.band, dict(choice.channels), weights, dict(mixed))


def measured_codes(weights: Mapping[str, Terms]) -> dict[str, tuple[str, bool]] | None:
    """Return the code that is measured as each component, and whether it is turned by 180 degrees.

    Horizontals are measured as they were recorded, whatever their azimuth.  None for a sensor whose
    channels are neither vertical nor horizontal.
    """
    found: dict[str, tuple[str, bool]] = {}
    main = {slot: _main(terms) for slot, terms in weights.items()}
    vertical = main.get("Z", ())
    across = {code for slot in "NE" for code, _ in main.get(slot, ())}
    if len(vertical) > 1 or len(across) > 2 or across & {code for code, _ in vertical}:
        return None
    for code, weight in vertical:
        found["Z"] = (code, weight < 0)
    for slot in "NE":
        left = [
            term for term in main.get(slot, ()) if term[0] not in {c for c, _ in found.values()}
        ]
        if left:
            code, weight = max(left, key=lambda term: abs(term[1]))
            found[slot] = (code, weight < 0)
    return found


def _main(terms: Terms) -> Terms:
    largest = max(abs(weight) for _, weight in terms)
    return [(code, weight) for code, weight in terms if abs(weight) > _SMALL * largest]


def measure_station_day(
    campaign: Measuring, key: StationDay, instruments: Iterable[Instrument], picks: Sequence[Pick]
) -> tuple[MeasureEntry, Rows]:
    """Measure the instruments of a station-day at its picks.

    The rows are those of ``amplitudes`` and ``envelopes``; the entry has no generation.  Channels
    without a usable response are named in the entry.
    """
    design, place = campaign.amplitudes, campaign.places[key.station]
    if design is None:
        raise TypeError("a campaign without amplitudes measures none")
    measured: list[Measured] = []
    problems: list[str] = []
    for instrument in instruments:
        components, without = _components(campaign, place, instrument, key)
        problems += without
        if components:
            source = (f"{place.network}.{place.code}.{instrument.location}", instrument.band)
            own = [p for p in sorted(picks) if (p.trace_id, p.band) == source]
            found = measure_instrument(components, own, source, key.span)
            problems += found.problems
            measured.append(found)
    pairs = [(one.amplitudes, one.envelope) for one in measured]
    amplitudes, envelopes = to_rows(pairs, design.digest, str(key))
    entry = MeasureEntry(
        design=design.digest,
        key=str(key),
        status=Status.DONE if measured else Status.NO_RESPONSE,
        generation="",
        marked_ns=0,
        reason="; ".join(problems),
        flags=(Flag(_NO_RESPONSE, len(problems)),) if problems else (),
        result=digest_of(*sorted(amplitudes["amplitude_id"].to_pylist())),
        responses=responses_digest(campaign, key),
        n_instruments=len(measured),
        n_amplitudes=sum(one.count for one in measured),
    )
    return entry, {"amplitudes": amplitudes, "envelopes": envelopes}


def _components(
    campaign: Measuring, place: Place, instrument: Instrument, key: StationDay
) -> tuple[dict[str, Component], list[str]]:
    """Return the components that can be measured, and why others cannot."""
    span = key.span.widened(campaign.picking.halo_ns)
    channel = f"{place.network}.{place.code}.{instrument.location}.{instrument.band}"
    known: dict[str, Known] = {}
    problems = []
    for code in instrument.channels:
        known[code], reasons = campaign.responses.known(f"{channel}{code}", span)
        if not known[code]:
            problems.append(f"{instrument.band}{code}: {'; '.join(reasons)}")
    codes = measured_codes(instrument.weights)
    if codes is None:
        found, reason = _mixed(instrument, known, span)
        return found, [*problems, *([reason] if reason else [])]
    return {
        slot: Component(code, instrument.channels[code], known[code], turned)
        for slot, (code, turned) in codes.items()
        if known.get(code)
    }, problems


def _mixed(
    instrument: Instrument, known: Mapping[str, Known], span: Span
) -> tuple[dict[str, Component], str]:
    """Return the components of a sensor with inclined axes, which needs one response for all."""
    responses = [response for own in known.values() for _, response in own]
    response = common_response(responses) if all(len(own) == 1 for own in known.values()) else None
    if response is None:
        if not all(known.values()):
            return {}, ""
        codes = "".join(known)
        return {}, f"{instrument.band}{codes}: inclined axes with different responses"
    return {
        slot: Component(slot, instrument.components[slot], [(span, response)])
        for slot in COMPONENTS
        if slot in instrument.components
    }, ""
