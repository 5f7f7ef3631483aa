"""The table of the model card: student and teacher on data not used in training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from epicat.pick.builtin import BUILTIN
from epicat.pick.openvino.picker import OpenVinoPicker
from epicat.pick.picker import PickOptions
from epicat.pick.resolve import prepare_bundle
from training.measure import Score
from training.swarm import run_swarm
from training.targets import TEACHER
from training.trials import (
    analysts_windows,
    false_an_hour,
    real_noise,
    synthetic_noise,
    synthetics,
)

__all__ = ["table"]

_SYNTHETICS, _REAL_HOURS, _SYNTHETIC_HOURS = 600, 12, 6


def table(data: Path) -> str:
    """Return the table as Markdown: recall, precision, and median ± MAD of the residuals in ms."""
    columns = {
        "`epicat-mini`": PickOptions(model=BUILTIN),
        "`original`": PickOptions(model="PhaseNet", weight=str(data / TEACHER)),
    }
    rows = [_header(columns)]
    pickers = {name: OpenVinoPicker(prepare_bundle(how)) for name, how in columns.items()}
    rows += _trials(data, pickers)
    rows += _noise(data, pickers)
    rows += _swarm(data, columns)
    return "\n".join(rows)


def _header(columns: Mapping[str, object]) -> str:
    names = [f"{name} {phase}" for name in columns for phase in "PS"]
    return "\n".join([_row("", names), "|---|" + "---:|" * len(names)])


def _row(what: str, cells: list[str]) -> str:
    return f"| {what} | {' | '.join(cells)} |"


def _trials(data: Path, pickers: Mapping[str, OpenVinoPicker]) -> Iterator[str]:
    for what, trial, tolerance in (
        ("Northern California", analysts_windows(data), 0.5),
        ("synthetic", synthetics(_SYNTHETICS), 0.5),
    ):
        scores = [s for p in pickers.values() for s in trial.scores(p, tolerance).values()]
        yield _score_row(what, scores)


def _score_row(what: str, scores: list[Score]) -> str:
    def cell(score: Score) -> str:
        found = f"{score.recall:.0%} of {score.wanted}, {score.precision:.0%} of {score.picked}"
        return f"{found}, {score.median_ms:+.0f} ± {score.mad_ms:.0f}"

    return _row(what, [cell(score) for score in scores])


def _noise(data: Path, pickers: Mapping[str, OpenVinoPicker]) -> Iterator[str]:
    for what, hours, minutes in (
        ("real", _REAL_HOURS, real_noise(data, _REAL_HOURS)),
        ("synthetic", _SYNTHETIC_HOURS, synthetic_noise(_SYNTHETIC_HOURS)),
    ):
        rates = [r for p in pickers.values() for r in false_an_hour(p, minutes).values()]
        yield _row(f"{hours} h of {what} noise: picks an hour", [f"{rate:.1f}" for rate in rates])


def _swarm(data: Path, columns: Mapping[str, PickOptions]) -> Iterator[str]:
    found = [
        run_swarm(data, "--model", how.model, "--weight", how.weight) for how in columns.values()
    ]
    cells: list[str] = []
    scores = [score for swarm in found for score in swarm.picks.values()]
    yield _score_row("Holuhraun", scores)
    for swarm in found:
        events = swarm.events
        told = f"{len(events.residuals)} of {events.wanted}, {events.picked} in all"
        cells += [told, ""]
    yield _row("Holuhraun: events matched", cells)
