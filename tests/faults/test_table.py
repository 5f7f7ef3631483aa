"""The count of rows and the table that says it."""

from __future__ import annotations

import pytest

from faults.table import BEGIN, END, put_table, table_of
from faults.trial import Trial, difference


def test_rows_are_counted_as_bags():
    assert difference("aabc", "abbd") == (2, 2)
    assert difference("abc", "cab") == (0, 0)


def test_a_page_gets_the_new_table_and_keeps_the_rest(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    trials = [
        Trial("workers killed", 500, 498, 3, 1, 61.4, "a|b"),
        Trial("disk full", 13, 13, 0, 0, 5.0),
    ]
    put_table(page, table_of(trials, 120))
    text = page.read_text()
    assert text.startswith(f"before\n{BEGIN}\n")
    assert text.endswith(f"{END}\nafter\n")
    assert "old" not in text
    assert "Rows lost: 3, doubled: 1." in text
    assert "| workers killed | 500 | 498 | rows lost: 3, doubled: 1; a\\|b |" in text
    assert "| disk full | 13 | 13 |  |" in text


def test_a_page_without_a_place_is_left_alone(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("words\n")
    with pytest.raises(ValueError, match="no lines"):
        put_table(page, "table")
    assert page.read_text() == "words\n"
