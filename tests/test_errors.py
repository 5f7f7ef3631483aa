"""What errors say."""

from __future__ import annotations

import pytest

from epicat.errors import lacks_memory, unforeseen


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        ImportError("libcurl.so.4: failed to map segment from shared object"),
        RuntimeError("can't start new thread"),
        OSError(12, "Cannot allocate memory"),
    ],
)
def test_too_little_memory_is_told_as_that(error: Exception) -> None:
    assert lacks_memory(error)
    told = unforeseen(error)
    assert told.startswith(type(error).__name__)
    assert told.endswith(": not enough memory; use fewer --workers")
    assert ": :" not in told


def test_other_errors_are_told_as_they_are() -> None:
    assert not lacks_memory(KeyError("x"))
    assert unforeseen(ValueError("no such thing")) == "ValueError: no such thing"
    assert unforeseen(AssertionError()) == "AssertionError"
