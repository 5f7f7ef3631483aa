"""Options of quality control, and how a person is told what it left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

__all__ = [
    "DeadRange",
    "MaxClippedShare",
    "MaxDeadShare",
    "MaxGap",
    "MaxGapShare",
    "MaxPicksPerDay",
    "MaxPicksPerHour",
    "MaxRms",
    "MinSegment",
    "MinStations",
    "WithRejected",
    "gather_catalog_quality",
    "gather_quality",
    "told_flags",
]

_PANEL = "Quality control"

MinSegment = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS", help="Pick no segments shorter than this.", rich_help_panel=_PANEL
    ),
]
MaxGapShare = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        help="Pick no station-days with a larger share of gaps, 0 to 1.",
        rich_help_panel=_PANEL,
    ),
]
MaxDeadShare = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        help="Leave out channels that are dead for a larger share of the day, 0 to 1.",
        rich_help_panel=_PANEL,
    ),
]
DeadRange = Annotated[
    float | None,
    typer.Option(
        metavar="COUNTS",
        help="A minute is dead if its samples differ by no more; default: 0.",
        rich_help_panel=_PANEL,
    ),
]
MaxClippedShare = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        help="Leave out channels that are clipped for a larger share of the day, 0 to 1.",
        rich_help_panel=_PANEL,
    ),
]
MaxPicksPerHour = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Associate no picks of an instrument's UTC hour with more.",
        rich_help_panel=_PANEL,
    ),
]
MaxPicksPerDay = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Associate no picks of an instrument's UTC day with more.",
        rich_help_panel=_PANEL,
    ),
]
MinStations = Annotated[
    int | None,
    typer.Option(metavar="N", help="Reject events at fewer sites.", rich_help_panel=_PANEL),
]
MaxGap = Annotated[
    float | None,
    typer.Option(
        metavar="DEGREES",
        help="Reject events with a larger azimuthal gap.",
        rich_help_panel=_PANEL,
    ),
]
MaxRms = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS", help="Reject events with larger residuals.", rich_help_panel=_PANEL
    ),
]
WithRejected = Annotated[
    bool,
    typer.Option("--with-rejected", help="Include the events that quality control rejects."),
]

_OF_WAVEFORMS = {
    "min_segment": "min_segment_s",
    "max_gap_share": "max_gap_share",
    "max_dead_share": "max_dead_share",
    "dead_range": "dead_range",
    "max_clipped_share": "max_clipped_share",
}
_OF_CATALOGS = {
    "max_picks_per_hour": "max_picks_per_hour",
    "max_picks_per_day": "max_picks_per_day",
    "min_stations": "min_stations",
    "max_gap": "max_gap_deg",
    "max_rms": "max_rms_s",
}


def gather_quality(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was given of `epicat.waveforms.quality.QualityOptions`."""
    return _given(values, _OF_WAVEFORMS)


def gather_catalog_quality(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was given of `epicat.associate.quality.CatalogQuality`."""
    return _given(values, _OF_CATALOGS)


def _given(values: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {name: values[o] for o, name in names.items() if values.get(o) is not None}


def told_flags(flags: Mapping[str, int], rejected: int) -> str:
    """Return how often each criterion was not met, and how many events are rejected."""
    counts = ", ".join(f"{name} {n:,}" for name, n in sorted(flags.items()))
    return f"{counts} ({rejected:,} events rejected)" if rejected else counts
