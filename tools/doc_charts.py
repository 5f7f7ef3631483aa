"""Draw the charts at the head of two pages from the tables in them: ``python tools/doc_charts.py``.

Charts are SVG, written by hand: bars with their numbers.  A test checks that they are current.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

DESIGN: Final = Path(__file__).resolve().parent.parent / "docs" / "design"
IMAGES: Final = DESIGN.parent / "images"
_WIDTH, _LABEL, _ROW = 720, 250, 26
_COLORS: Final = ("#3f51b5", "#9fa8da", "#757575")


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a chart."""

    label: str
    """What it shows."""
    value: float
    """Its length, in the unit of the chart."""
    note: str
    """What is written at its end."""
    color: int = 0
    """Number of its color."""


def rows(page: str, heading: str) -> dict[str, list[str]]:
    """Return the rows of the first table after a text, by their first cell."""
    text = page[page.index(heading) :]
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("|"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            found[cells[0]] = cells[1:]
        elif found:
            break
    return found


def chart(title: str, bars: Sequence[Bar]) -> str:
    """Return a chart of horizontal bars as SVG."""
    longest = max(bar.value for bar in bars)
    height = 40 + _ROW * len(bars)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'font-family="sans-serif" font-size="13" role="img" aria-label="{escape(title)}">',
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="8" y="20" font-weight="bold" fill="#222">{escape(title)}</text>',
    ]
    for n, bar in enumerate(bars):
        top = 34 + _ROW * n
        length = (_WIDTH - _LABEL - 190) * bar.value / longest
        lines += [
            f'<text x="{_LABEL - 8}" y="{top + 14}" text-anchor="end" fill="#222">'
            f"{escape(bar.label)}</text>",
            f'<rect x="{_LABEL}" y="{top}" width="{length:.1f}" height="18" '
            f'fill="{_COLORS[bar.color]}"/>',
            f'<text x="{_LABEL + length + 6:.1f}" y="{top + 14}" fill="#222">'
            f"{escape(bar.note)}</text>",
        ]
    return "\n".join([*lines, "</svg>", ""])


def benchmarks() -> str:
    """Return the chart of seconds for a station-day, epicat and SeisBench."""
    page = (DESIGN / "benchmarks.md").read_text(encoding="utf-8")
    bars = []
    for model in ("PhaseNet", "EQTransformer"):
        table = rows(page, f"**{model} `original`")
        fastest = min(float(cells[0]) for name, cells in table.items() if "SeisBench" in name)
        bars.append(Bar(f"{model}, SeisBench", fastest, f"{fastest:.1f} s", 2))
        for name, color in (("2 processes", 0), ("2 processes, mixed", 1)):
            seconds, ratio = (float(cell) for cell in table[f"epicat, {name}"][:2])
            label = f"{model}, epicat{', mixed' if 'mixed' in name else ''}"
            bars.append(Bar(label, seconds, f"{seconds:.1f} s, {ratio:.1f} times as fast", color))
    return chart("Seconds for a station-day (24 h, 100 Hz, 3 components) on two cores", bars)


def reliability() -> str:
    """Return the chart of the numbers of trials, and how many of them lost nothing."""
    page = (DESIGN / "reliability.md").read_text(encoding="utf-8")
    sums: dict[str, list[int]] = {}
    for name, cells in rows(page, "| trial |").items():
        if re.fullmatch(r"[\d,]+", cells[0]):
            tried, survived = (int(cell.replace(",", "")) for cell in cells[:2])
            kind = sums.setdefault(_kind(name), [0, 0])
            kind[0], kind[1] = kind[0] + tried, kind[1] + survived
    bars = [Bar(kind, n, f"{kept:,} of {n:,} survived") for kind, (n, kept) in sums.items()]
    return chart("Faults injected into complete campaigns", bars)


def _kind(trial: str) -> str:
    """Return the group of a trial."""
    kinds = {
        "requests|archive gone|fails for good|connections": "servers and networks",
        "killed|stopped|two runs": "processes killed or doubled",
        "mutated|plain files": "damaged files",
        "cuts|midnights": "other partitions of the work",
    }
    found = (kind for words, kind in kinds.items() if re.search(words, trial))
    return next(found, "disk, memory, clock, surroundings")


CHARTS: Final = {"benchmarks.svg": benchmarks, "reliability.svg": reliability}


def main() -> None:
    """Write the charts."""
    for name, draw in CHARTS.items():
        (IMAGES / name).write_text(draw(), encoding="utf-8")


if __name__ == "__main__":
    main()
