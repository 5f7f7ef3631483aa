"""Score a catalog against ground truth: found, missed and false events, errors and residuals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from epicat.errors import InputError
from epicat.geo import distance_azimuth
from epicat.time import SECOND_NS

__all__ = ["PhaseScore", "Score", "Truth", "match", "read_truth", "score_catalog"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_NEVER = 1e6


def match(
    one: I64, other: I64, tolerance_ns: int, cost: Callable[[I64, I64], F64]
) -> list[tuple[int, int]]:
    """Return the one-to-one pairs of indices of two lists of times in ns, in any order.

    The pairing with the largest number of pairs and, among these, the smallest total cost.
    ``cost`` maps indices (n, 1) and (1, m) to costs (n, m); a cost above 1 forbids a pair, as does
    a time difference above the tolerance.
    """
    pairs = []
    for mine, theirs in _groups(one, other, tolerance_ns):
        costs = cost(mine[:, None], theirs[None, :])
        apart = np.abs(one[mine][:, None] - other[theirs][None, :]) > tolerance_ns
        costs = np.where(apart | (costs > 1.0), _NEVER, costs)
        rows, columns = linear_sum_assignment(costs)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            if costs[row, column] <= 1.0:
                pairs.append((int(mine[row]), int(theirs[column])))
    return sorted(pairs)


def _groups(one: I64, other: I64, tolerance_ns: int) -> list[tuple[I64, I64]]:
    """Split both lists where no pair can cross the split: several small assignment problems."""
    times = np.concatenate([one, other])
    order = np.argsort(times, kind="stable")
    breaks = np.flatnonzero(np.diff(times[order]) > tolerance_ns) + 1
    groups = np.split(order, breaks)
    both = [(g[g < len(one)], g[g >= len(one)] - len(one)) for g in groups]
    return [(mine, theirs) for mine, theirs in both if len(mine) and len(theirs)]


_STATIONS: Final = 5
_SNR: Final = 3.0
_EVENT_S, _EVENT_KM = 3.0, 30.0
_PICK_S = 0.5


@dataclass(frozen=True, slots=True)
class Truth:
    """The ground truth of an archive."""

    events: pa.Table
    """Rows of `epicat.synthetic.truth.TRUE_EVENTS`."""
    arrivals: pa.Table
    """Rows of `epicat.synthetic.truth.TRUE_ARRIVALS`."""


@dataclass(frozen=True, slots=True)
class PhaseScore:
    """Picks of one phase compared with the true arrivals."""

    true: int
    """Recorded arrivals with a signal-to-noise ratio above 3."""
    found: int
    """Those with a pick within 0.5 s, matched one to one."""
    picks: int
    """All picks."""
    matched: int
    """Picks that match an arrival of any signal-to-noise ratio."""
    residual_s: float
    """Median of pick minus arrival time, over the arrivals found."""
    spread_s: float
    """Median absolute value of the same."""


@dataclass(frozen=True, slots=True)
class Score:
    """A catalog compared with the ground truth.

    A true event is detectable if five or more stations recorded its P with a signal-to-noise ratio
    above 3, as defined in `epicat.synthetic.amplitude`.  A catalog event matches a true one if its
    origin time is within 3 s and its epicenter within 30 km, one to one.
    """

    true: int
    """All true events."""
    detectable: int
    """Detectable events."""
    found: int
    """Detectable events in the catalog."""
    missed: int
    """Detectable events missing from the catalog."""
    extra: int
    """Smaller true events in the catalog, below the detectability limit."""
    false: int
    """Catalog events that match no true event."""
    time_error_s: float
    """Median absolute error of origin times, over all matched events."""
    epicenter_error_km: float
    """Median epicentral error."""
    depth_error_km: float
    """Median absolute error of depths."""
    p: PhaseScore
    """Picks of P."""
    s: PhaseScore
    """Picks of S."""

    @property
    def recall(self) -> float:
        """Fraction of the detectable events that were found; 1 if there are none."""
        return self.found / self.detectable if self.detectable else 1.0

    @property
    def false_share(self) -> float:
        """Fraction of the catalog that is false; 0 for an empty catalog."""
        catalog = self.found + self.extra + self.false
        return self.false / catalog if catalog else 0.0

    def as_dict(self) -> dict[str, object]:
        """Return plain values, for JSON."""
        return {**asdict(self), "recall": self.recall, "false_share": self.false_share}


def read_truth(folder: Path) -> Truth:
    """Read the folder ``truth/`` of a synthetic archive, or the archive's own folder."""
    root = folder / "truth" if (folder / "truth").is_dir() else folder
    try:
        return Truth(*(pq.read_table(root / f"{name}.parquet") for name in ("events", "arrivals")))
    except OSError as error:
        raise InputError(
            f"no truth in {str(folder)!r}: {error}; give the folder that `epicat synth` wrote"
        ) from error


def score_catalog(truth: Truth, events: pa.Table, picks: pa.Table) -> Score:
    """Score events and picks, tables as in `epicat.tables`, against the ground truth."""
    counts = np.array(truth.events["n_detectable"].to_pylist(), int) >= _STATIONS
    pairs = _matched_events(truth.events, events)
    mine, theirs = (np.array([pair[side] for pair in pairs], int) for side in (0, 1))
    found = int(counts[mine].sum())
    return Score(
        true=truth.events.num_rows,
        detectable=int(counts.sum()),
        found=found,
        missed=int(counts.sum()) - found,
        extra=len(pairs) - found,
        false=events.num_rows - len(pairs),
        **_errors(truth.events, events, mine, theirs),
        p=_phase_score(truth.arrivals, picks, "P"),
        s=_phase_score(truth.arrivals, picks, "S"),
    )


def _matched_events(true: pa.Table, events: pa.Table) -> list[tuple[int, int]]:
    def cost(mine: I64, theirs: I64) -> F64:
        away = _distance(true, events, *np.broadcast_arrays(mine, theirs)) / _EVENT_KM
        late = np.abs(_times(true)[mine] - _times(events)[theirs]) / (_EVENT_S * SECOND_NS)
        return np.where(away > 1.0, 2.0, (away + late) / 2)

    return match(_times(true), _times(events), int(_EVENT_S * SECOND_NS), cost)


def _errors(true: pa.Table, events: pa.Table, mine: I64, theirs: I64) -> dict[str, float]:
    late = (_times(events)[theirs] - _times(true)[mine]) / SECOND_NS
    deep = _numbers(events, "depth_km")[theirs] - _numbers(true, "depth_km")[mine]
    return {
        "time_error_s": _median(np.abs(late)),
        "epicenter_error_km": _median(_distance(true, events, mine, theirs)),
        "depth_error_km": _median(np.abs(deep)),
    }


def _distance(true: pa.Table, events: pa.Table, mine: I64, theirs: I64) -> F64:
    one = (_numbers(true, name)[mine] for name in ("latitude", "longitude"))
    other = (_numbers(events, name)[theirs] for name in ("latitude", "longitude"))
    return distance_azimuth(*one, *other)[0]


def _phase_score(arrivals: pa.Table, picks: pa.Table, phase: str) -> PhaseScore:
    true = arrivals.filter(pc.and_(pc.equal(arrivals["phase"], phase), arrivals["recorded"]))
    made = picks.filter(pc.equal(picks["phase"], phase))
    is_clear = _numbers(true, "snr") > _SNR
    stations, made_at = (np.array(_names(table), object) for table in (true, made))
    residuals, matched = [], 0
    for name in sorted(set(stations.tolist()) & set(made_at.tolist())):
        mine, theirs = np.flatnonzero(stations == name), np.flatnonzero(made_at == name)
        for one, other in _matched_picks(_times(true)[mine], _times(made)[theirs]):
            matched += 1
            if is_clear[mine[one]]:
                late = _times(made)[theirs[other]] - _times(true)[mine[one]]
                residuals.append(late / SECOND_NS)
    return PhaseScore(
        int(is_clear.sum()), len(residuals), made.num_rows, matched,
        _median(np.array(residuals)), _median(np.abs(residuals)),
    )  # fmt: skip


def _matched_picks(true: I64, made: I64) -> list[tuple[int, int]]:
    tolerance = int(_PICK_S * SECOND_NS)
    return match(true, made, tolerance, lambda a, b: np.abs(true[a] - made[b]) / tolerance)


def _names(table: pa.Table) -> list[str]:
    """Return ``NET.STA`` of each row, without location codes."""
    return [".".join(name.split(".")[:2]) for name in table["trace_id"].to_pylist()]


def _times(table: pa.Table) -> I64:
    return np.asarray(table["time"].cast(pa.int64()).to_numpy())


def _numbers(table: pa.Table, name: str) -> F64:
    return np.asarray(table[name].to_numpy(), dtype=float)


def _median(values: F64) -> float:
    return float(np.median(values)) if len(values) else float("nan")
