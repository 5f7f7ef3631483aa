"""Results of threads come in order, errors where they belong, and few tasks wait."""

from __future__ import annotations

import threading

import pytest

from epicat._util.threads import ahead, held


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_are_in_order(threads: int) -> None:
    tasks = ((key, lambda key=key: key * key) for key in range(20))
    assert list(ahead(tasks, threads)) == [(key, key * key) for key in range(20)]


@pytest.mark.parametrize("threads", [1, 3])
def test_no_more_tasks_are_taken_than_needed(threads: int) -> None:
    taken: list[int] = []

    def tasks():
        for key in range(50):
            taken.append(key)
            yield key, lambda key=key: key

    for count, _ in enumerate(ahead(tasks(), threads), 1):
        assert len(taken) <= count + held(threads)


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_is_raised_in_its_turn(threads: int) -> None:
    def fail() -> int:
        raise ValueError("second")

    found = ahead([("a", lambda: 1), ("b", fail)], threads)
    assert next(found) == ("a", 1)
    with pytest.raises(ValueError, match="second"):
        next(found)


def test_tasks_run_at_once() -> None:
    both = threading.Barrier(2, timeout=10)
    assert len(list(ahead([(1, both.wait), (2, both.wait)], 2))) == 2
