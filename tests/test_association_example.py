"""The tool that renews the worked example of association finds what it runs and what it writes."""

from __future__ import annotations

import pytest

import association_example as example

TEXT = example.PAGE.read_text()


def test_the_commands_are_those_of_the_page():
    _, constant, before, after = example.commands(TEXT)
    assert constant == "echo '0 6.8 3.6' > constant.txt"
    assert before.startswith("epicat associate holuhraun/campaign.toml --velocity constant.txt")
    assert after == "epicat associate holuhraun/campaign.toml --name after"


def test_values_go_into_the_rows_of_the_table():
    values = {title: [10 * n + 0.125, 10 * n + 1.5] for n, title in enumerate(example.ROWS)}
    lines = example.with_rows(TEXT, values).splitlines()
    written = [line for line in lines if line not in TEXT.splitlines()]
    assert written == [
        "| events | 0 | 2 |",
        "| median RMS of residuals | 10.12 s | 11.50 s |",
        "| median error of the epicenter | 20.1 km | 21.5 km |",
        "| median depth | 30.1 km | 31.5 km |",
    ]


def test_a_page_without_the_example_is_noticed():
    with pytest.raises(SystemExit, match="no longer has"):
        example.commands("# Another page\n")
    with pytest.raises(SystemExit, match="0 rows 'events'"):
        example.with_rows("# Another page\n", {"events": [1, 2]})
