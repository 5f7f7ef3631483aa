"""``epicat compare``: two catalogs, event by event."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from epicat.cli.messages import aligned

if TYPE_CHECKING:
    from epicat.catalog.compare import Comparison, EventList

__all__ = ["compare"]

_UNITS = {"time_s": "origin time (s)", "distance_km": "epicentre (km)", "depth_km": "depth (km)",
          "magnitude": "magnitude"}  # fmt: skip


def compare(
    first: Annotated[
        str,
        typer.Argument(
            metavar="A",
            help="The catalog: a store, of which #NAME names a catalog and #location=NAME a "
            "location, or a file.",
        ),
    ],
    second: Annotated[str, typer.Argument(metavar="B", help="The reference, likewise.")],
    max_s: Annotated[
        float, typer.Option("--max-time", help="Seconds between origin times of one event.")
    ] = 2.0,
    max_km: Annotated[
        float, typer.Option("--max-distance", help="Kilometres between epicentres of one event.")
    ] = 10.0,
    shift_s: Annotated[
        float | None,
        typer.Option("--shift", help="Seconds for the chance level; default: 15 * --max-time."),
    ] = None,
    start: Annotated[str, typer.Option(help="Only events from this time on.")] = "",
    end: Annotated[str, typer.Option(help="Only events before this time.")] = "",
    extent: Annotated[
        str, typer.Option(metavar="EXTENT", help="Only events in minlat,maxlat,minlon,maxlon.")
    ] = "",
    with_rejected: Annotated[
        bool, typer.Option("--with-rejected", help="Include events that quality control rejects.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Also draw a .png, .pdf or .svg file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
) -> None:
    """Match the events of two catalogs one to one, and say how they differ.

    Events of a store are at their best places.  Files may be QuakeML, SeisComP's XML, FDSN event
    text, ComCat's CSV, hypoDD and NonLinLoc.  The chance level is the number of pairs with the
    clock of A shifted: what is not above it is no agreement.
    """
    from epicat.catalog.compare import compare as compared
    from epicat.catalog.compare import read_event_list
    from epicat.geo import Extent
    from epicat.model import EVER, Span
    from epicat.time import parse_time

    span = Span(parse_time(start) if start else EVER.start_ns,
                parse_time(end) if end else EVER.end_ns)  # fmt: skip
    box = Extent.parse(extent) if extent else None
    lists = [
        read_event_list(source, with_rejected=with_rejected).within(span, box)
        for source in (first, second)
    ]
    found = compared(*lists, max_s=max_s, max_km=max_km, shift_s=shift_s)
    if output is not None:
        _draw(found, output)
    if as_json:
        typer.echo(json.dumps(found.summary()))
        return
    for line in _lines(found):
        typer.echo(line)


def _lines(found: Comparison) -> list[str]:
    summary = found.summary()
    late, early = found.chance
    counts = [
        ("events of A", f"{len(found.first):,}", found.first.label),
        ("events of B", f"{len(found.second):,}", found.second.label),
        ("matched", f"{found.n_matched:,}", f"within {found.max_s:g} s and {found.max_km:g} km"),
        ("missed", f"{summary['missed']:,}", "in B, not in A"),
        ("extra", f"{summary['extra']:,}", "in A, not in B"),
        ("by chance", f"{(late + early) / 2:g}",
         f"{late:,} and {early:,} with the clock of A {found.shift_s:g} s late and early"),
    ]  # fmt: skip
    width = max(len(count) for _, count, _ in counts)
    lines = [f"{name:<12} {count:>{width}}  {note}" for name, count, note in counts]
    rows = [
        (_UNITS[name], _number(d["median"]), _number(d["mad"]), f"{d['count']:,}")
        for name, d in summary["differences"].items()
    ]
    return [*lines, "", *aligned(("A - B", "median", "MAD", "pairs"), rows)]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _draw(found: Comparison, path: Path) -> None:
    from epicat.plot.comparison import ComparisonPlot, draw_comparison

    def positions(events: EventList):  # type: ignore[no-untyped-def]
        return events.latitude, events.longitude

    late, early = found.chance
    draw_comparison(
        ComparisonPlot(
            title=f"A: {found.first.label}   B: {found.second.label}",
            subtitle=f"{found.n_matched:,} of {len(found.second):,} events of B matched within "
            f"{found.max_s:g} s and {found.max_km:g} km ({(late + early) / 2:g} by chance)",
            positions={
                "matched": positions(found.second.take(found.pairs[1])),
                "missed": positions(found.missed),
                "extra": positions(found.extra),
            },
            differences=found.differences(),
        ),
        path,
    )
