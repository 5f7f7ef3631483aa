"""Magnitudes in QuakeML: amplitudes, station magnitudes, contributions and the magnitude."""

from __future__ import annotations

from epicat.export.quakeml_elements import creation, number, text, uri, waveform
from epicat.export.quakes import Quake
from epicat.export.sizes import NetworkMagnitude, StationMagnitude

__all__ = ["preferred_magnitude", "sizes_as_quakeml"]

_M_PER_MM = 1e-3


def preferred_magnitude(quake: Quake) -> str:
    """Return the reference to the magnitude of an event; nothing if it has none."""
    if quake.magnitude is None:
        return ""
    name = quake.size.name if quake.size else quake.event_id
    return f"<preferredMagnitudeID>{uri('magnitude', name)}</preferredMagnitudeID>\n"


def sizes_as_quakeml(quake: Quake) -> str:
    """Return the elements of a computed magnitude; nothing if there is none.

    An amplitude is that of a Wood-Anderson record (magnification 2080), in metres.  A station
    magnitude that is an upper bound, or not used, says so in a comment.
    """
    size = quake.size
    if size is None:
        return ""
    origin = uri("origin", size.origin_id or quake.associated.name)
    valued = [one for one in size.stations if one.value is not None]
    return (
        "".join(_amplitude(one) for one in valued if one.amplitude_mm is not None)
        + "".join(_station(one, origin, size.kind) for one in valued)
        + _network(size, valued, origin)
    )


def _amplitude(one: StationMagnitude) -> str:
    period = "" if one.period_s is None else number("value", one.period_s, 3)
    pick = f"<pickID>{uri('pick', one.pick_id)}</pickID>" if one.pick_id else ""
    return (
        f'<amplitude publicID="{uri("amplitude", one.name)}">'
        f"<genericAmplitude><value>{(one.amplitude_mm or 0.0) * _M_PER_MM:.6e}</value>"
        "</genericAmplitude><type>AML</type><category>point</category><unit>m</unit>"
        f"{f'<period>{period}</period>' if period else ''}"
        f"{pick}{waveform(one.trace_id, None)}"
        f"<evaluationMode>automatic</evaluationMode>{creation()}</amplitude>\n"
    )


def _station(one: StationMagnitude, origin: str, kind: str) -> str:
    amplitude = ""
    if one.amplitude_mm is not None:
        amplitude = f"<amplitudeID>{uri('amplitude', one.name)}</amplitudeID>"
    note = "upper bound" if one.is_bound else ""
    if one.flag != "amplitude":
        note = f"{note}: {one.flag}" if note else one.flag
    comment = f"<comment><text>{text(note)}</text></comment>" if note else ""
    return (
        f'<stationMagnitude publicID="{uri("stationMagnitude", one.name)}">'
        f"{comment}<originID>{origin}</originID>"
        f"<mag>{number('value', one.value or 0.0, 3)}</mag><type>{text(kind)}</type>{amplitude}"
        f"{waveform(one.trace_id, None)}{creation()}</stationMagnitude>\n"
    )


def _network(size: NetworkMagnitude, valued: list[StationMagnitude], origin: str) -> str:
    contributions = "".join(_contribution(size, one) for one in valued if one.weight > 0)
    note = (
        f"law {size.law}; {size.n_used} stations with an amplitude, {size.n_bounds} with an upper "
        f"bound; median absolute deviation {size.mad:.3f}"
    )
    return (
        f'<magnitude publicID="{uri("magnitude", size.name)}">'
        f"<comment><text>{text(note)}</text></comment>{contributions}"
        f"<mag>{number('value', size.value, 3)}{number('uncertainty', size.error, 3)}</mag>"
        f"<type>{text(size.kind)}</type><originID>{origin}</originID>"
        f"<methodID>{uri('magnitude-design', size.design)}</methodID>"
        f"<stationCount>{size.n_used}</stationCount>"
        f"<evaluationMode>automatic</evaluationMode>{creation()}</magnitude>\n"
    )


def _contribution(size: NetworkMagnitude, one: StationMagnitude) -> str:
    residual = "" if one.is_bound else number("residual", (one.value or 0.0) - size.value, 3)
    return (
        "<stationMagnitudeContribution>"
        f"<stationMagnitudeID>{uri('stationMagnitude', one.name)}</stationMagnitudeID>"
        f"{residual}{number('weight', one.weight, 4)}</stationMagnitudeContribution>"
    )
