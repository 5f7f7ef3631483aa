"""The responses of a campaign's channels: from metadata by epoch, or flat ones of the user."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property

from epicat.amplitude.response import GroundUnit, Response, ResponseError, Shape, parse_unit
from epicat.errors import InputError
from epicat.model import EVER, Span, digest_of
from epicat.stations.channel_epoch import ChannelEpoch
from epicat.stations.response_xml import ResponseElements

__all__ = ["ChannelResponse", "FlatResponse", "Known", "Responses"]


@dataclass(frozen=True, slots=True)
class ChannelResponse:
    """The response of a channel during one of its epochs, or why there is none."""

    channel: str
    """``NET.STA.LOC.CHA``."""
    epoch: Span
    """When it holds, within `EVER`."""
    response: Response | None = None
    """The response; None if it cannot be used."""
    problem: str = ""
    """Why it cannot be used."""

    @classmethod
    def from_elements(cls, row: ChannelEpoch, elements: ResponseElements | None) -> ChannelResponse:
        """Return the response of a channel of StationXML; None stands for no element."""
        channel = f"{row.id}.{row.channel}"
        if row.epoch.end_ns <= row.epoch.start_ns:
            return cls(channel, EVER, problem="an epoch ends before it begins")
        if elements is None:
            return cls(channel, row.epoch, problem="no response in the metadata")
        try:
            return cls(channel, row.epoch, elements.parsed(row.channel))
        except ResponseError as error:
            return cls(channel, row.epoch, problem=str(error))


@dataclass(frozen=True, slots=True)
class FlatResponse:
    """A response without frequency dependence, which a user gives to channels."""

    pattern: str
    """Pattern of ``NET.STA.LOC.CHA``, with ``*`` and ``?``."""
    response: Response
    """The response."""

    @classmethod
    def parse(cls, text: str) -> FlatResponse:
        """Parse ``PATTERN=GAIN`` or ``PATTERN=GAIN:UNIT``, by default counts per m/s.

        >>> FlatResponse.parse("Z7.*.*.HH?=2.7e9").response.gain
        2700000000.0
        """
        pattern, _, value = text.partition("=")
        number, _, unit = value.partition(":")
        try:
            gain = float(number)
            ground, scale = parse_unit(unit or "M/S")
        except (ValueError, ResponseError):
            gain, ground, scale = math.nan, "M/S", 1.0
        if len(pattern.split(".")) != 4 or not math.isfinite(gain) or gain == 0:
            raise InputError(
                f"flat response {text!r} is not NET.STA.LOC.CHA=GAIN, for example "
                "XX.*.*.HH?=6.3e8 in counts per m/s, or XX.*.*.HN?=4.2e5:M/S**2"
            )
        pattern = ".".join("" if part == "--" else part for part in pattern.strip().split("."))
        return cls(pattern, Response(ground, gain / scale))


Known = Sequence[tuple[Span, Response]]
"""Responses with their disjoint epochs, ascending."""


@dataclass(frozen=True)
class Responses:
    """What is known of the responses of all channels.

    Plain data: a shape that many channels share is kept once.
    """

    shapes: tuple[Shape, ...] = ()
    """The frequency dependences of stages."""
    rows: tuple[tuple[str, Span, GroundUnit, float, tuple[int, ...], str], ...] = ()
    """Channel, epoch, unit, gain, numbers of its shapes, and the problem if it has one."""
    flat: tuple[FlatResponse, ...] = ()
    """For channels without a usable response in the metadata; the first that matches holds."""

    @classmethod
    def from_channels(
        cls, found: Iterable[ChannelResponse], flat: Iterable[FlatResponse] = ()
    ) -> Responses:
        """Collect the responses of channels."""
        numbers: dict[Shape, int] = {}
        rows = []
        for one in sorted(found, key=lambda one: (one.channel, one.epoch, one.problem)):
            known = one.response or Response("M/S", 0.0)
            own = tuple(numbers.setdefault(shape, len(numbers)) for shape in known.shapes)
            rows.append((one.channel, one.epoch, known.unit, known.gain, own, one.problem))
        return cls(tuple(numbers), tuple(rows), tuple(flat))

    def __bool__(self) -> bool:
        """Whether anything is known."""
        return bool(self.rows or self.flat)

    @cached_property
    def _by_channel(self) -> dict[str, list[ChannelResponse]]:
        found: dict[str, list[ChannelResponse]] = defaultdict(list)
        for channel, epoch, unit, gain, numbers, problem in self.rows:
            shapes = tuple(self.shapes[number] for number in numbers)
            response = None if problem else Response(unit, gain, shapes)
            found[channel].append(ChannelResponse(channel, epoch, response, problem))
        return found

    @cached_property
    def _by_station(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for channel in self._by_channel:
            found[channel.rsplit(".", 2)[0]].append(channel)
        return found

    def problems(self) -> dict[str, list[str]]:
        """Return the channels whose response can never be used, by the reason."""
        found: dict[str, list[str]] = defaultdict(list)
        for channel, rows in self._by_channel.items():
            has_flat = any(fnmatchcase(channel, flat.pattern) for flat in self.flat)
            if not has_flat and all(row.problem for row in rows):
                found[rows[-1].problem].append(channel)
        return dict(found)

    def known(self, channel: str, span: Span) -> tuple[Known, tuple[str, ...]]:
        """Return the responses of ``NET.STA.LOC.CHA`` in a span, and what is wrong with others.

        Epochs are clipped to the span.  Where two different responses are valid at one time, none
        is used.
        """
        own = [row for row in self._by_channel.get(channel, ()) if row.epoch.overlaps(span)]
        problems = [row.problem for row in own if row.problem]
        usable = sorted(
            ((row.epoch, row.response) for row in own if row.response), key=lambda one: one[0]
        )
        found: list[tuple[Span, Response]] = []
        for epoch, response in usable:
            if found and epoch.start_ns < found[-1][0].end_ns:
                if response != found[-1][1]:
                    problems.append("two different responses are valid at one time")
                    found.clear()
                    break
                last = found[-1][0]
                found[-1] = (Span(last.start_ns, max(epoch.end_ns, last.end_ns)), response)
            else:
                found.append((epoch, response))
        if not found:
            flat = next((f for f in self.flat if fnmatchcase(channel, f.pattern)), None)
            if flat is not None:
                return [(span, flat.response)], ()
            if not problems:
                problems.append("no response in the metadata for this time")
        return [(_within(epoch, span), response) for epoch, response in found], tuple(
            dict.fromkeys(problems)
        )

    def digest(self, station: str, span: Span) -> str:
        """Return a digest of what is known of ``NET.STA`` in a span; empty if nothing is."""
        parts = [
            f"{row.channel} {_edges(row.epoch, span)} {row.problem} "
            f"{row.response.digest if row.response else ''}"
            for channel in self._by_station.get(station, ())
            for row in self._by_channel[channel]
            if row.epoch.overlaps(span)
        ]
        parts += [
            f"{flat.pattern} {flat.response.digest}"
            for flat in self.flat
            if fnmatchcase(station, flat.pattern.rsplit(".", 2)[0])
        ]
        return digest_of(*parts) if parts else ""


def _edges(epoch: Span, span: Span) -> str:
    """Return where an epoch begins and ends inside a span."""
    begin = epoch.start_ns if epoch.start_ns > span.start_ns else ""
    end = epoch.end_ns if epoch.end_ns < span.end_ns else ""
    return f"{begin}..{end}"


def _within(epoch: Span, span: Span) -> Span:
    return Span(max(epoch.start_ns, span.start_ns), min(epoch.end_ns, span.end_ns))
