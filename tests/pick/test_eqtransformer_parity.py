"""SeisBench's picks of EQTransformer, whose weights want filtered waveforms; and no cut matters.

As for PhaseNet, the picks must be the same where SeisBench's windows are epicat's: in segments
that start on the grid.  Both sides get raw counts and filter them themselves.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from epicat.campaign.pick_run import PickRun
from epicat.model import Pick, Span
from epicat.pick.openvino.picker import OpenVinoPicker
from epicat.pick.openvino.runtime import BATCH
from epicat.pick.picker import PickOptions
from epicat.pick.resolve import prepare_bundle
from epicat.pipeline.stages.pick_day import pick_segments
from epicat.waveforms.grid import Grid
from epicat.waveforms.records import decode
from epicat.waveforms.segments import Segment, segments
from epicat.waveforms.traces import Clock, Trace, merge

pytestmark = pytest.mark.seisbench

RATE = Fraction(100)
GRID = Grid(RATE)
SAMPLE_NS = 10_000_000
EVER = Span.parse("1980-01-01", "2040-01-01")
_ROUNDING_NS = 10_000
"""SeisBench's times are floats, some hundred nanoseconds off."""

Counts = Mapping[str, NDArray[np.generic]]


@pytest.fixture(scope="session")
def eqt(seisbench_cache: Path) -> OpenVinoPicker:
    options = PickOptions(model="EQTransformer", weight="original")
    return OpenVinoPicker(prepare_bundle(options))


@pytest.fixture(scope="session")
def seisbench_eqt(seisbench_cache: Path) -> Any:
    import torch
    from seisbench.models import EQTransformer

    torch.set_num_threads(1)  # several wait for each other where cores are busy
    return EQTransformer.from_pretrained("original").eval()


# --- the same picks


@dataclass(frozen=True)
class Case:
    """Contiguous counts of a station that begin on the grid of windows."""

    name: str
    counts: Counts
    first: int

    def segments(self, picker: OpenVinoPicker) -> list[Segment]:
        runs = {code: [trace_of(x, self.first)] for code, x in self.counts.items()}
        info = picker.info
        return segments(runs, info.component_order, RATE, EVER, info.filters)

    def traces(self) -> list[Any]:
        import obspy

        stats = {"network": "XX", "station": self.name, "sampling_rate": 100.0}
        stats["starttime"] = obspy.UTCDateTime(ns=GRID.time_ns(self.first))
        return [
            obspy.Trace(x.copy(), {**stats, "channel": f"HH{code}"})
            for code, x in self.counts.items()
        ]


def trace_of(counts: NDArray[np.generic], first: int) -> Trace:
    return Trace(RATE, first, counts, Clock(np.array([first]), np.array([0])))


@cache
def holuhraun(folder: Path) -> dict[str, dict[str, list[Trace]]]:
    """Return the runs of each component of the 12 stations."""
    found: dict[str, dict[str, list[Trace]]] = {}
    for path in sorted((folder / "holuhraun" / "waveforms").iterdir()):
        station = path.name.split(".")[1]
        for channel, records in decode(path.read_bytes(), "Z7", station, EVER).channels.items():
            found.setdefault(station, {})[channel.component] = merge(records, channel.rate)
    assert len(found) == 12
    return found


def of_holuhraun(folder: Path, picker: OpenVinoPicker) -> list[Case]:
    """Return the segments of at least a minute, each begun on the grid."""
    cases = []
    for station, runs in holuhraun(folder).items():
        for i, z in enumerate(runs["Z"]):
            if z.stop - z.first < 6000:
                continue
            same = {code: runs[code][i] for code in "ENZ"}
            assert {(r.first, r.stop) for r in same.values()} == {(z.first, z.stop)}
            first = -(-z.first // picker.info.stride) * picker.info.stride
            cases.append(Case(f"{station}{i}", {c: r.samples for c, r in same.items()}, first))
    assert len(cases) == 24
    return cases


def of_norcal(folder: Path, picker: OpenVinoPicker) -> list[Case]:
    """Return the 66 windows of 90 s; components of zeros go in as they are."""
    first = 30_000_000 * picker.info.stride
    cases = []
    for i, path in enumerate(sorted((folder / "norcal_windows").glob("*.npz"))):
        data = np.load(path)["data"]
        assert data.shape == (9001, 3)
        cases.append(Case(f"W{i}", {c: data[:, row] for row, c in enumerate("ENZ")}, first))
    assert len(cases) == 66
    return cases


def ours_of(picker: OpenVinoPicker, cases: Sequence[Case]) -> list[Pick]:
    return [
        pick
        for case in cases
        for pick in pick_segments(
            picker, case.segments(picker), picker.info.thresholds, (f"XX.{case.name}.", "HH"), EVER
        )[0]
    ]


def theirs_of(model: Any, cases: Sequence[Case]) -> list[Pick]:
    import obspy

    stream = obspy.Stream([trace for case in cases for trace in case.traces()])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = model.classify(stream).picks
    return [
        Pick(p.peak_time.ns, p.trace_id, "HH", p.phase, float(p.peak_value),
             p.start_time.ns, p.end_time.ns)
        for p in found
    ]  # fmt: skip


def assert_parity(picker: OpenVinoPicker, model: Any, cases: Sequence[Case], at_least: int) -> None:
    ours, theirs = (
        sorted(picks, key=lambda p: (p.trace_id, p.phase, p.time_ns))
        for picks in (ours_of(picker, cases), theirs_of(model, cases))
    )
    assert [(p.trace_id, p.phase) for p in ours] == [(p.trace_id, p.phase) for p in theirs]
    assert len(ours) >= at_least
    apart = np.array([
        [abs(getattr(a, name) - getattr(b, name)) for name in ("time_ns", "onset_ns", "end_ns")]
        for a, b in zip(ours, theirs, strict=True)
    ])  # fmt: skip
    worst = max(abs(a.confidence - b.confidence) for a, b in zip(ours, theirs, strict=True))
    exact = (apart <= _ROUNDING_NS).sum(axis=0).tolist()
    print(len(ours), "picks, to the sample", exact, "confidence within", worst)
    assert apart[:, 0].max() <= SAMPLE_NS + _ROUNDING_NS
    assert exact[0] >= 0.99 * len(ours)
    assert worst < 1e-3


def test_holuhraun(eqt: OpenVinoPicker, seisbench_eqt: Any, realdata: Path) -> None:
    assert_parity(eqt, seisbench_eqt, of_holuhraun(realdata, eqt), 100)


def test_northern_california(eqt: OpenVinoPicker, seisbench_eqt: Any, realdata: Path) -> None:
    assert_parity(eqt, seisbench_eqt, of_norcal(realdata, eqt), 100)


def test_without_the_filter_the_picks_would_be_others(eqt: OpenVinoPicker, realdata: Path) -> None:
    """So the two tests above do see it."""
    cases = of_norcal(realdata, eqt)
    filtered = ours_of(eqt, cases)
    bare = OpenVinoPicker.__new__(OpenVinoPicker)
    bare.__dict__.update(eqt.__dict__)
    bare.info = eqt.info.model_copy(update={"filters": {}})
    times = [
        {(p.trace_id, p.phase, p.time_ns) for p in x} for x in (filtered, ours_of(bare, cases))
    ]
    assert len(times[0] & times[1]) < 0.8 * len(times[0])


# --- the same probabilities


def windows_of(realdata: Path, picker: OpenVinoPicker) -> NDArray[np.float32]:
    return np.stack([c.segments(picker)[0].data[:, :6000] for c in of_norcal(realdata, picker)])


def test_what_is_known_is_what_seisbench_would_use(eqt: OpenVinoPicker, seisbench_eqt: Any) -> None:
    info, model = eqt.info, seisbench_eqt
    assert list(info.phases) == model.labels == ["Detection", "P", "S"]
    assert list(info.component_order) == list(model.component_order)
    assert (info.samples, info.sampling_rate) == (model.in_samples, model.sampling_rate)
    assert info.overlap == model._get_overlap(6000, model.default_args) == 1800
    assert info.blinding == tuple(model.default_args["blinding"]) == (500, 500)
    assert info.stacking == model._annotate_args["stacking"][1] == "max"
    assert info.thresholds == {"P": 0.1, "S": 0.1}
    assert set(info.filters) == set("ENZ")
    for how in info.filters.values():
        assert [how.kind] == model.filter_args
        kwargs = {"freqmin": how.freqmin, "freqmax": how.freqmax}
        kwargs |= {"corners": how.corners, "zerophase": how.zerophase}
        assert kwargs == model.filter_kwargs
    assert eqt.precision == "f32"


def test_probabilities_are_those_of_seisbench(
    eqt: OpenVinoPicker, seisbench_eqt: Any, realdata: Path
) -> None:
    import torch

    windows = windows_of(realdata, eqt)
    with torch.no_grad():
        found = seisbench_eqt(seisbench_eqt.annotate_batch_pre(torch.tensor(windows), {}))
        theirs = torch.stack(found, dim=1).numpy()
    # Measured: 2e-6.
    assert np.abs(eqt.probabilities(windows) - theirs[:, eqt.info.picked_rows]).max() < 1e-5


def test_a_window_does_not_depend_on_its_batch(eqt: OpenVinoPicker, realdata: Path) -> None:
    """To the last bit: alone and at every place in a batch."""
    windows = windows_of(realdata, eqt)[:BATCH]
    alone = np.concatenate([eqt.probabilities(w[None]) for w in windows])
    for shift in range(BATCH):
        found = eqt.probabilities(np.roll(windows, shift, axis=0))
        np.testing.assert_array_equal(np.roll(found, -shift, axis=0), alone)


# --- the cut does not matter

HOUR = 3600 * 100


def swarm(realdata: Path, picker: OpenVinoPicker) -> Counts:
    """Return an hour of raw counts with offsets, in which real windows follow each other."""
    cases = of_norcal(realdata, picker)
    found = {}
    for row, code in enumerate("ENZ"):
        parts = [c.counts[code] / max(np.abs(c.counts[code]).max(), 1e-9) * 1e4 for c in cases]
        joined = np.concatenate(parts)[:HOUR] + (3_000_000, -70_000, 8_000_000)[row]
        found[code] = np.rint(joined).astype(np.int32)
    assert {len(x) for x in found.values()} == {HOUR}
    return found


def test_neighbouring_days_have_the_picks_of_the_whole(eqt: OpenVinoPicker, realdata: Path) -> None:
    """An hour around a midnight: read at once, and by the two days with their halos.

    Also with the day beginning anywhere else, as the midnight of another clock would be.
    """
    info = eqt.info
    halo_ns = PickRun.from_options(info, PickOptions()).halo_ns
    assert halo_ns == (4 * 60 + 60) * 10**9
    first = 15_000_000_000 * 10
    counts = swarm(realdata, eqt)
    thresholds, source = info.thresholds, ("XX.ONE.", "HH")

    def picks_of(owned: Span, read: Span) -> list[Pick]:
        """Pick what a day owns; records hang over both ends of what it reads."""
        low = max(GRID.index(read.start_ns) - first - 137, 0)
        high = GRID.index(read.end_ns) - first + 211
        runs = {c: [trace_of(x[low:high], first + low)] for c, x in counts.items()}
        found = segments(runs, info.component_order, RATE, read, info.filters)
        return pick_segments(eqt, found, thresholds, source, owned)[0]

    ever = Span(GRID.time_ns(first - 1), GRID.time_ns(first + HOUR + 1))
    whole = picks_of(ever, ever)
    assert len(whole) > 60
    for seconds in (1000, 1234.56, 1800, 2345.67):
        seam = GRID.time_ns(first) + round(seconds * 1e9)
        days = [Span(ever.start_ns, seam), Span(seam, ever.end_ns)]
        cut = [picks_of(day, day.widened(halo_ns)) for day in days]
        assert all(cut)
        assert sorted(cut[0] + cut[1]) == whole
    shortened = replace(ever, end_ns=ever.end_ns - 600 * 10**9)
    assert [p for p in whole if p.time_ns < ever.start_ns + 1800 * 10**9] == picks_of(
        Span(ever.start_ns, ever.start_ns + 1800 * 10**9), shortened
    )
