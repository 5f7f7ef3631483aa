"""One retry loop for all servers: what it repeats, how long it waits, what it raises."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epicat.errors import InputError
from epicat.fs.retry import Patience, pauses, retry


class Failing:
    """An action that fails some times, and then returns its number of calls."""

    def __init__(self, errors: list[Exception]) -> None:
        self.errors = errors
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.calls


def is_transient(error: Exception) -> bool:
    return isinstance(error, ConnectionError)


def test_transient_errors_are_repeated():
    action = Failing([ConnectionError(), ConnectionError()])
    assert retry(action, is_transient, [0.0] * 5) == 3


def test_the_number_of_waits_bounds_the_retries_and_the_last_error_is_raised():
    errors: list[Exception] = [ConnectionError("first"), ConnectionError("second"), KeyError()]
    action = Failing(errors)
    with pytest.raises(ConnectionError, match="second"):
        retry(action, is_transient, [0.0])
    assert action.calls == 2


def test_other_errors_are_raised_at_once():
    action = Failing([KeyError("x")])
    with pytest.raises(KeyError):
        retry(action, is_transient, [60.0] * 5)
    assert action.calls == 1


def test_an_interrupt_is_never_repeated():
    def action() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        retry(action, lambda _: True, [0.0] * 5)


def test_the_wait_that_a_server_asks_for_replaces_the_own_one():
    action = Failing([ConnectionError()])
    begin = time.monotonic()
    assert retry(action, lambda _: 0.0, [3600.0]) == 2
    assert time.monotonic() - begin < 600


@given(st.floats(0.001, 1e6))
def test_pauses_grow_within_the_budget(total_s: float):
    begin = time.monotonic()
    waits = [wait for wait, _ in zip(pauses(total_s), range(12), strict=False)]
    assert all(0 < wait <= min(15.0, total_s) for wait in waits)
    assert not waits or waits[0] <= 0.25
    assert time.monotonic() - begin < 60


def test_a_budget_is_limited_and_never_extended():
    patience = Patience(retries=5)
    assert patience.limited_to(2).retries == 2
    assert patience.limited_to(9) == patience


@pytest.mark.parametrize("text", ["0", "-1", "inf", "nan", "soon"])
def test_a_duration_that_is_none_is_refused(text, monkeypatch):
    monkeypatch.setenv("EPICAT_PATIENCE", text)
    with pytest.raises(InputError, match=rf"EPICAT_PATIENCE='{text}' is not a duration"):
        Patience.from_environment()
