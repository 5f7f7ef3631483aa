from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epicat.ledger import Stage
from epicat.pipeline.outcome import Outcome
from epicat.pipeline.plan import Unit
from epicat.pipeline.single_unit import run_unit, split


def unit_of(count: int) -> Unit:
    return Unit(Stage.PICK, tuple(f"XX.A/{2000 + i}.001" for i in range(count)))


@given(st.integers(1, 50), st.integers(1, 60))
def test_parts_hold_every_key_once_in_order_and_are_alike(count, parts):
    made = split(unit_of(count), parts)
    assert [key for part in made for key in part.keys] == list(unit_of(count).keys)
    sizes = [len(part.keys) for part in made]
    assert len(made) == min(count, parts)
    assert max(sizes) - min(sizes) <= 1


class Stuck:
    """An executor that does some units and then hangs for ever."""

    capacity = 4

    def __init__(self, does: int):
        self.does, self.units, self.closed = does, [], []

    def submit(self, unit):
        self.units.append(unit)

    def next_outcome(self):
        if not self.does:
            threading.Event().wait()
        self.does -= 1
        return Outcome(self.units.pop(0), 0.1, {"done": 1})

    def close(self, *, now):
        self.closed.append(now)


def test_what_hangs_fails_after_the_limit_and_what_was_done_is_done():
    executor = Stuck(does=1)
    done, late = run_unit(unit_of(4), executor, 2, 0.05)
    assert (done.failure, done.unit.keys) == ("", unit_of(4).keys[:2])
    assert (late.failure, late.unit.keys) == ("it took longer than 0.05 s", unit_of(4).keys[2:])
    assert executor.closed == [True]


def test_without_a_limit_every_part_is_done():
    executor = Stuck(does=3)
    outcomes = run_unit(unit_of(3), executor, 8, None)
    assert [outcome.unit.keys for outcome in outcomes] == [(key,) for key in unit_of(3).keys]
    assert executor.closed == [False]


def test_an_interrupt_lets_the_workers_go():
    class Interrupted(Stuck):
        def next_outcome(self):
            raise KeyboardInterrupt

    executor = Interrupted(does=0)
    with pytest.raises(KeyboardInterrupt):
        run_unit(unit_of(1), executor, 1, 10.0)
    assert executor.closed == [True]
