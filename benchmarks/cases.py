"""Benchmark cases: a synthetic archive, and the commands that pick it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.synthetic_day import write_day
from epicat.pick.openvino.runtime import reduced_precisions

__all__ = ["CASES", "Case"]

_STATIONS = 6
"""Two processes pick three station-days each: the first two of the six are their warm-up."""


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of station-day and one picker."""

    title: str
    model: str = "PhaseNet"
    rate: int = 100
    gaps: int = 0
    batches: tuple[int, ...] = (64, 256)
    """Batch sizes of SeisBench to try."""
    less: bool = False
    """Whether epicat computes in fewer bits throughout as well, where the machine can."""

    def write(self, root: Path) -> None:
        write_day(root, self.rate, self.gaps, _STATIONS)

    def commands(self, root: Path) -> Iterator[tuple[str, str, list[str]]]:
        """Return name, program and arguments of each command."""
        given = [str(root), self.model]
        for precision in ("f32", *(reduced_precisions() if self.less else ()), "mixed"):
            told = "" if precision == "f32" else f", {precision}"
            yield f"epicat, 1 process{told}", "epicat", [*given, "1", precision]
            yield f"epicat, 2 processes{told}", "epicat", [*given, "2", precision]
        for batch in self.batches:
            yield f"SeisBench, batch {batch}", "seisbench", [*given, str(batch)]


CASES = {
    "phasenet": Case("PhaseNet `original`, 24 h of 100 Hz, three components", less=True),
    "eqtransformer": Case(
        "EQTransformer `original`, the same", "EQTransformer", batches=(32, 128), less=True
    ),
    "200hz": Case("PhaseNet, 24 h of 200 Hz", rate=200),
    "gaps": Case("PhaseNet, a day of 100 Hz with 500 gaps", gaps=500),
    "eqtransformer-200hz": Case(
        "EQTransformer, 24 h of 200 Hz", "EQTransformer", rate=200, batches=(128,)
    ),
    "eqtransformer-gaps": Case(
        "EQTransformer, a day of 100 Hz with 500 gaps", "EQTransformer", gaps=500, batches=(128,)
    ),
}
