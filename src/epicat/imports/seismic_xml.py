"""QuakeML 1.2 and SeisComP's XML: events with origins, arrivals and picks.

Both have the same elements, but for three: SeisComP's events name their origins, whose elements
are siblings, its depths are in kilometres rather than metres, and the value of its magnitudes is
in an element ``magnitude`` rather than ``mag``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from xml.parsers import expat

from epicat.imports.raw import RawEvent, RawFile, RawPick
from epicat.time import parse_time

__all__ = ["read_seismic_xml"]

_ROOTS = ("quakeml", "seiscomp")


class _Node:
    """An element with its children; names without their namespaces."""

    __slots__ = ("attributes", "children", "line", "name", "text")

    def __init__(self, name: str, attributes: dict[str, str], line: int) -> None:
        self.name = name
        self.attributes = attributes
        self.line = line
        self.children: list[_Node] = []
        self.text = ""

    def all(self, name: str) -> list[_Node]:
        """Return the children of a name."""
        return [child for child in self.children if child.name == name]

    def get(self, *path: str) -> str:
        """Return the text below a path of names, or an empty one."""
        node = self
        for name in path:
            found = next((child for child in node.children if child.name == name), None)
            if found is None:
                return ""
            node = found
        return node.text.strip()


def read_seismic_xml(body: bytes) -> RawFile:
    """Read a document; raise `ValueError`, with the line, for what is not one of the two.

    Of an event with several origins the preferred one is used, else the first; likewise for
    magnitudes.  Events and picks that cannot be read are left out, with the reason.
    """
    root = _parse(body)
    is_quakeml = root.name == "quakeml"
    found = RawFile()
    for parameters in root.all("eventParameters") + root.all("EventParameters"):
        picks = _picks(parameters, found)
        used: set[str] = set()
        for event in parameters.all("event"):
            own = {**picks, **_picks(event, found)}
            try:
                found.events.append(_event(event, parameters, own, used, is_quakeml=is_quakeml))
            except ValueError as error:
                found.rejected.append(f"line {event.line}: {error}")
            picks.update(own)
        found.picks += [pick for name, pick in picks.items() if name not in used]
    return found


def _parse(body: bytes) -> _Node:
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    top = _Node("", {}, 0)
    stack = [top]

    def start(name: str, attributes: dict[str, str]) -> None:
        node = _Node(name.rpartition(" ")[2], attributes, parser.CurrentLineNumber)
        if len(stack) == 1 and node.name not in _ROOTS:
            raise ValueError(f"the root element is <{node.name}>, not <quakeml> or <seiscomp>")
        stack[-1].children.append(node)
        stack.append(node)

    def text(data: str) -> None:
        stack[-1].text += data

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: stack.pop() and None
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        what = expat.ErrorString(error.code)
        raise ValueError(f"line {error.lineno}: not well-formed XML: {what}") from error
    except (ValueError, LookupError) as error:
        raise ValueError(f"line {parser.CurrentLineNumber}: {error}") from error
    return top.children[0]


def _refuse(*_: object) -> None:
    raise ValueError("refusing XML with a DOCTYPE declaration")


def _picks(parent: _Node, found: RawFile) -> dict[str, RawPick]:
    picks = {}
    for node in parent.all("pick"):
        try:
            picks[node.attributes.get("publicID", "")] = _pick(node)
        except ValueError as error:
            found.rejected.append(f"line {node.line}: {error}")
    return picks


def _pick(node: _Node) -> RawPick:
    waveform = next(iter(node.all("waveformID")), None)
    if waveform is None:
        raise ValueError("pick without a waveformID")
    codes = waveform.attributes
    location = [codes["locationCode"]] if "locationCode" in codes else []
    return RawPick(
        label=f"line {node.line}",
        codes=(codes.get("networkCode", ""), codes.get("stationCode", ""), *location),
        phase=node.get("phaseHint") or node.get("phaseHint", "code"),
        time_ns=parse_time(node.get("time", "value")),
        confidence=_probability(node),
        band=codes.get("channelCode", ""),
    )


def _probability(node: _Node) -> float | None:
    """Return what epicat writes as a comment: ``probability 0.8123``."""
    for comment in node.all("comment"):
        word, _, number = comment.get("text").partition(" ")
        if word == "probability":
            try:
                return float(number)
            except ValueError:
                return None
    return None


def _event(
    event: _Node,
    parameters: _Node,
    picks: Mapping[str, RawPick],
    used: set[str],
    *,
    is_quakeml: bool,
) -> RawEvent:
    name = event.attributes.get("publicID", "")
    origin = _preferred(event, parameters, "origin")
    if origin is None:
        raise ValueError(f"event {name} has no origin")
    arrivals = []
    for arrival in origin.all("arrival"):
        pick_id = arrival.get("pickID")
        pick = picks.get(pick_id)
        if pick is not None:
            used.add(pick_id)
            phase = arrival.get("phase") or arrival.get("phase", "code") or pick.phase
            arrivals.append(_with_phase(pick, phase))
    magnitude = _preferred(event, parameters, "magnitude", within=origin)
    value = (
        "" if magnitude is None else magnitude.get("mag" if is_quakeml else "magnitude", "value")
    )
    depth = origin.get("depth", "value")
    return RawEvent(
        name=name,
        time_ns=parse_time(origin.get("time", "value")),
        latitude=_number(origin, "latitude"),
        longitude=_number(origin, "longitude"),
        depth_km=(float(depth) / (1000 if is_quakeml else 1)) if depth else math.nan,
        magnitude=float(value) if value else None,
        magnitude_type="" if magnitude is None else magnitude.get("type"),
        picks=tuple(arrivals),
    )


def _number(node: _Node, name: str) -> float:
    text = node.get(name, "value")
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{name} {text!r} is not a number") from None


def _with_phase(pick: RawPick, phase: str) -> RawPick:
    return RawPick(pick.label, pick.codes, phase, pick.time_ns, pick.confidence, pick.band)


def _preferred(
    event: _Node, parameters: _Node, kind: str, within: _Node | None = None
) -> _Node | None:
    """Return the preferred origin or magnitude of an event, else the first one."""
    candidates = event.all(kind)
    if not candidates:  # SeisComP
        named = {reference.text.strip() for reference in event.all(f"{kind}Reference")}
        wanted = event.get(f"preferred{kind.capitalize()}ID")
        places: Iterable[_Node] = [parameters, *([within] if within else [])]
        candidates = [
            node
            for place in places
            for node in place.all(kind)
            if kind == "magnitude" or node.attributes.get("publicID") in named | {wanted}
        ]
    wanted = event.get(f"preferred{kind.capitalize()}ID")
    for node in candidates:
        if wanted and node.attributes.get("publicID") == wanted:
            return node
    return candidates[0] if candidates else None
