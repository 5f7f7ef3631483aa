"""Progress: counts by station-day, a time left that means something, and lines for logs."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epicat.cli.progress_counts import Pace, StageCount, format_duration
from epicat.cli.progress_display import RunProgress
from epicat.ledger import Stage
from epicat.pipeline.outcome import FinishedKey, Outcome
from epicat.pipeline.plan import Unit

KEYS = tuple(f"XX.ST00/2020.{day:03d}" for day in range(1, 11))


def key(name: str, status: str = "done", rows: int = 3) -> FinishedKey:
    return FinishedKey(Stage.PICK, name, status, rows)


def plan(picks: int, blocks: int = 2, done_before: int = 0) -> SimpleNamespace:
    counts = {Stage.PICK: picks, Stage.ASSOCIATE: blocks}
    return SimpleNamespace(
        station_days=picks, is_empty=not picks, done_before=done_before, n_keys=counts.get
    )


def test_keys_are_counted_once_and_units_replace_them():
    count = StageCount(20)
    for at, name in enumerate(KEYS[:4]):
        count.add_key(at, name, 3)
    assert (count.done, count.rows) == (4, 12)
    for at, name in enumerate(KEYS[:2]):  # its worker died: the unit runs again
        count.add_key(10 + at, name, 3)
    assert (count.done, count.rows) == (4, 12)
    count.add_unit(20, KEYS, 31)
    assert (count.done, count.rows) == (10, 31)
    count.add_key(21, "XX.ST01/2020.001", 5)
    assert (count.done, count.rows) == (11, 36)


@given(st.lists(st.integers(1, 12), min_size=1, max_size=6), st.data())
def test_the_count_never_falls_and_ends_at_the_total(sizes, data):
    units = [tuple(f"{n}.{i}" for i in range(size)) for n, size in enumerate(sizes)]
    count, seen = StageCount(sum(sizes)), [0]
    for unit in units:
        for name in data.draw(st.lists(st.sampled_from(unit))):
            count.add_key(0, name, 1)
            seen.append(count.done)
        count.add_unit(0, unit, len(unit))
        seen.append(count.done)
    assert seen == sorted(seen)
    assert (count.done, count.rows) == (sum(sizes), sum(sizes))


def test_the_time_left_is_that_of_the_recent_pace_and_silent_at_first():
    pace = Pace()
    for second in range(6):
        pace.add(second, second + 1)
    assert pace.left_s(6, 100) is None
    for second in range(6, 20):
        pace.add(second, second + 1)
    assert pace.left_s(19, 100) == pytest.approx(100)
    for step in range(200):  # then ten times as slow
        pace.add(20 + 10 * step, 20 + step + 1)
    assert pace.left_s(2010, 100) == pytest.approx(1000, rel=0.1)
    assert pace.left_s(2010 + 3000, 100) > 5000  # nothing was finished for long
    assert pace.left_s(2010, 0) is None


def test_durations_have_few_digits():
    assert [format_duration(s) for s in (0, 20, 58, 3600, 7260, 86400)] == [
        "less than 10 s", "20 s", "1 min", "1 h", "2 h", "24 h",
    ]  # fmt: skip


def test_a_run_moves_by_station_day():
    warned: list[Counter[str]] = []
    progress = RunProgress(plan(20), warned.append, clock=lambda: 0.0)
    progress.key_finished(key(KEYS[0], rows=1234))
    assert progress.rows()[0] == ("picking", 1, 20, "station-days, 1,234 picks")
    progress.finished(Outcome(Unit(Stage.PICK, KEYS), 1.0, {"done": 10}, n_rows=2000))
    assert progress.rows()[0][1:3] == (10, 20)
    assert not warned


def test_a_run_without_data_is_reported_once_and_early():
    warned: list[Counter[str]] = []
    progress = RunProgress(plan(40), warned.append)
    for name in KEYS[:9]:
        progress.key_finished(key(name, "no data", 0))
    assert not warned
    progress.key_finished(key(KEYS[9], "read error", 0))
    assert warned == [{"no data": 9, "read error": 1}]
    progress.finished(Outcome(Unit(Stage.PICK, KEYS), 1.0, {"no data": 10}))
    assert len(warned) == 1


@pytest.mark.parametrize("done_before", [0, 5])
def test_a_run_with_some_data_is_not_warned_about(done_before):
    warned: list[Counter[str]] = []
    progress = RunProgress(plan(40, done_before=done_before), warned.append)
    progress.key_finished(key(KEYS[0], "done" if not done_before else "no data"))
    for name in KEYS[1:]:
        progress.key_finished(key(name, "no data", 0))
    progress.finished(Outcome(Unit(Stage.PICK, KEYS), 1.0, {"no data": 10}))
    assert not warned
