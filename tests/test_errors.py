"""What errors say; and that the examples in all docstrings are true."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

import epicat
from epicat.errors import lacks_memory, unforeseen

ROOT = Path(epicat.__file__).parent
WITH_EXAMPLES = sorted(p for p in ROOT.rglob("*.py") if ">>> " in p.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda path: path.stem)
def test_examples_in_docstrings_are_true(path: Path) -> None:
    name = ".".join(("epicat", *path.relative_to(ROOT).with_suffix("").parts))
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted > 0
    assert found.failed == 0


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
