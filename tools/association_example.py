"""Renew the worked example in docs/howto/association.md: its two pictures and its table.

    python tools/association_example.py [--windows REALDATA]

Runs the commands of the page on the catalog of ``epicat example holuhraun``; ``--windows`` as in
``tools/run_page.py``.  Look at the pictures afterwards.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from run_page import PROJECT, environment, output

PAGE: Final = PROJECT / "docs" / "howto" / "association.md"
PICTURES: Final = PROJECT / "docs" / "images"
NAMES: Final = ("before", "after")
"""Names of the two associators in the page."""
STORE: Final = "holuhraun/catalog"
ROWS: Final = {
    "events": ("count(*)", "{:.0f}"),
    "median RMS of residuals": ("median(rms_s)", "{:.2f} s"),
    "median error of the epicenter": ("median(major_km)", "{:.1f} km"),
    "median depth": ("median(depth_km)", "{:.1f} km"),
}
"""For each row of the table what it is in SQL, and how it is written."""


def commands(page: str) -> list[str]:
    """Return the two associations of the page, preceded by what they read."""
    constant = re.search(r"`constant\.txt` has one line, `([^`]+)`", page)
    associations = re.findall(r"^epicat associate .* --name (?:before|after)$", page, re.M)
    if constant is None or len(associations) != len(NAMES):
        raise SystemExit(f"{PAGE} no longer has the two associations and constant.txt")
    return ["epicat example holuhraun", f"echo '{constant[1]}' > constant.txt", *associations]


def with_rows(page: str, values: dict[str, list[float]]) -> str:
    """Return the page with these values, before and after, in the rows of its table."""
    for title, pair in values.items():
        cells = " | ".join(ROWS[title][1].format(value) for value in pair)
        page, n = re.subn(rf"^\| {title} \|.*$", f"| {title} | {cells} |", page, flags=re.M)
        if n != 1:
            raise SystemExit(f"{PAGE} has {n} rows {title!r}")
    return page


def main(realdata: Path | None) -> None:
    """Run the example, draw both pictures and write the table."""
    text = PAGE.read_text(encoding="utf-8")
    sql = "select " + ", ".join(f'{what} "{title}"' for title, (what, _) in ROWS.items())
    with environment(realdata) as variables, TemporaryDirectory() as place:
        folder = Path(place)
        for command in commands(text):
            output(command, folder, variables)
        found = []
        for name in NAMES:
            picture = PICTURES / f"association-{name}.png"
            output(f"epicat plot --store {STORE} --run {name} -o {picture}", folder, variables)
            query = f"epicat query '{sql} from catalog' --store {STORE} --run {name} --json"
            found.append(json.loads(output(query, folder, variables)))
    values = {title: [one[title] for one in found] for title in ROWS}
    PAGE.write_text(with_rows(text, values), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--windows", type=Path, metavar="REALDATA")
    main(parser.parse_args().windows)
