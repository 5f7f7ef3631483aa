"""The page of the first catalog is what its commands print, on data like the example's."""

from __future__ import annotations

from pathlib import Path

import pytest

import run_page

PAGE = Path(__file__).resolve().parent.parent / "docs" / "tutorial" / "first-catalog.md"


def test_the_page_is_what_comes_out(realdata, seisbench_cache, tmp_path, monkeypatch):
    for extra in ("pooch", "obspy", "matplotlib", "duckdb"):
        pytest.importorskip(extra)
    monkeypatch.setenv("SEISBENCH_CACHE_ROOT", str(seisbench_cache))
    with run_page.environment(realdata) as variables:
        text = run_page.run_page(PAGE, tmp_path, variables)
    fresh, page = (run_page.comparable(one) for one in (text, PAGE.read_text()))
    assert fresh == page, "CONTRIBUTING.md says how to refresh the page"


def test_commands_are_lines_with_a_prompt_and_their_continuations():
    block = '$ one --a \\\n    b\nwhat it prints\n\n$ two "select \\\n    x" --c\n$5\n'
    assert run_page.commands(block) == ["one --a \\\n    b", 'two "select \\\n    x" --c']


def test_seconds_and_rates_are_not_compared():
    one = "12/12 3.17 station-days/s, 591 picks 0:00:00 in 15.7 s; 25 events, 1.2 s of work"
    other = "12/12 0.4 station-days/s, 591 picks 0:00:00 in 20.1 s; 25 events, 7 s of work"
    assert run_page.comparable(one) == run_page.comparable(other)
    assert run_page.comparable(one) != run_page.comparable(one.replace("591", "590"))


def test_phases_that_take_seconds_are_not_compared():
    one = "12 stations\nreading stations ...\nreading stations: 12 s\nplan\n"
    assert run_page.comparable(one) == "12 stations\nplan\n"
