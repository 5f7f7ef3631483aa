"""Run the commands of a page and write what they print into it.

``python tools/run_page.py [OPTIONS] PAGE ...`` runs the blocks marked ``console`` of each page, one
after the other, in an empty folder.

``--windows REALDATA``: without network, serve files with the samples of the example's, made from
the folder of real data.  ``--picture FILE TO``: copy a file that the commands wrote.
``--check``: change nothing, and fail if a page would change; what depends on the machine (seconds
and rates) and digests are left out of the comparison.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

PROJECT: Final = Path(__file__).resolve().parent.parent
_BLOCK: Final = re.compile(r"^```console\n(.*?)^```$", re.M | re.S)
_TIMES: Final = re.compile(r"\d+(\.\d+)? ?(seconds|s of work|s\b|min\b|station-days/s|blocks/s)")
_PROGRESS: Final = re.compile(
    r"^((picking|associating|locating|compiling|downloading) .*|[a-z][^\n]*( \.\.\.|: [0-9]+ s))\n",
    re.M,
)
"""Lines of progress and of phases that take seconds, which a fast machine does not print."""
_DIGEST: Final = re.compile(r"\b[a-z2-7]{16}\b")
"""Digests of settings, which change with every version of an algorithm."""
_LONGEST_S: Final = 900
_PROGRAM: Final = """\
#!{python}
import json, sys
from epicat.cli.app import main
from epicat import examples
from dataclasses import replace
table = {table!r}
if table:
    files = tuple(examples.SourceFile(*row) for row in json.load(open(table)))
    examples.EXAMPLES = {{"holuhraun": replace(examples.EXAMPLES["holuhraun"], files=files)}}
main()
"""


def commands(block: str) -> list[str]:
    """Return the commands of a block: lines that begin with ``$``, and their continuations."""
    found: list[str] = []
    goes_on = False
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append(line[2:])
        elif goes_on:
            found[-1] += f"\n{line}"
        goes_on = bool(found) and _is_open(found[-1])
    return found


def _is_open(command: str) -> bool:
    """Return whether a command goes on in the next line: a backslash, or an open quote."""
    return command.endswith("\\") or command.count('"') % 2 == 1


def run_page(page: Path, folder: Path, environment: dict[str, str]) -> str:
    """Return the text of a page with what its commands print now."""

    def fresh(block: re.Match[str]) -> str:
        shown = [
            f"$ {command}\n{output(command, folder, environment)}" for command in commands(block[1])
        ]
        return "```console\n" + "\n".join(shown) + "```"

    return _BLOCK.sub(fresh, page.read_text(encoding="utf-8"))


def output(command: str, folder: Path, environment: dict[str, str]) -> str:
    """Return what a command prints in a folder, or exit if it fails."""
    done = subprocess.run(  # nosec B603 - commands of our own page
        ["/bin/bash", "-c", command], check=False, cwd=folder, env=environment, timeout=_LONGEST_S,
        text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"$ {command}\n{done.stdout}\nexit status {done.returncode}")
    return done.stdout


@contextmanager
def environment(realdata: Path | None) -> Iterator[dict[str, str]]:
    """Give the variables of a new user: the program, an own cache, and where the example is."""
    with TemporaryDirectory(prefix="epicat-page-") as place:
        tools = Path(place)
        variables = {**os.environ, "COLUMNS": "100", "EPICAT_CACHE": str(tools / "cache")}
        variables["PATH"] = f"{tools}:{variables['PATH']}"
        variables["PYTHONPATH"] = os.pathsep.join(
            [str(PROJECT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
        )
        with _served(realdata, tools) as (address, table):
            if address:
                variables["EPICAT_EXAMPLE_URL"] = address
            program = tools / "epicat"
            program.write_text(_PROGRAM.format(python=sys.executable, table=table))
            program.chmod(0o755)
            yield variables


@contextmanager
def _served(realdata: Path | None, tools: Path) -> Iterator[tuple[str, str]]:
    if realdata is None:
        yield "", ""
        return
    sys.path[:0] = [str(PROJECT / "tests"), str(PROJECT / "src")]
    import json

    from epicat.examples import EXAMPLES
    from support.example_server import holuhraun_contents, registry, serving

    contents = holuhraun_contents(realdata, EXAMPLES["holuhraun"].files)
    table = tools / "files.json"
    rows = [(one.path, one.bytes, one.sha256) for one in registry(contents)]
    table.write_text(json.dumps(rows))
    with serving(contents) as server:
        yield server.address, str(table)


def comparable(text: str) -> str:
    """Return a page without what depends on the machine, and without digests."""
    return _DIGEST.sub("DIGEST", _TIMES.sub("TIME", _PROGRESS.sub("", text)))


def main() -> None:
    """Run the pages given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pages", nargs="+", type=Path)
    parser.add_argument("--windows", type=Path, metavar="REALDATA")
    parser.add_argument("--picture", nargs=2, action="append", default=[], metavar=("FILE", "TO"))
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    status = 0
    for page in given.pages:
        with environment(given.windows) as variables, TemporaryDirectory() as folder:
            text = run_page(page, Path(folder), variables)
            for source, target in () if given.check else given.picture:
                shutil.copyfile(Path(folder, source), target)
        if not given.check:
            page.write_text(text, encoding="utf-8")
            continue
        old, new = (comparable(one).splitlines() for one in (page.read_text("utf-8"), text))
        changes = list(difflib.unified_diff(old, new, str(page), "what comes out", lineterm=""))
        print("\n".join(changes))
        status |= bool(changes)
    sys.exit(status)


if __name__ == "__main__":
    main()
