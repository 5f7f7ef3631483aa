"""Every command in the pages runs on the catalog of `epicat demo`, or a reason is given why not.

The reasons, and the words that are replaced, are in ``support/commands_of_pages.toml``.
"""

from __future__ import annotations

import re
import shlex
import shutil
import tomllib
from pathlib import Path

import pytest

from epicat.cli.app import main

PROJECT = Path(__file__).resolve().parent.parent
GENERATED = {"commands.md", "campaign.md"}
"""In docs/reference: they show forms and examples of the commands' own help."""
RULES = tomllib.loads((Path(__file__).parent / "support" / "commands_of_pages.toml").read_text())
NOT_RUN = [re.compile(rule["match"]) for rule in RULES["not_run"]]
STORES = ("catalog", "mendocino", "S", "holuhraun", "again")
"""Names of stores in the pages: each is a copy of the demo's."""
MAY_FAIL = {"run", "doctor"}
"""Their exit status is 1 if something could not be read, as is so in the demo."""


def pages() -> list[Path]:
    docs = PROJECT / "docs"
    found = [page for page in docs.rglob("*.md")
             if not (page.parent == docs / "reference" and page.name in GENERATED)]  # fmt: skip
    return sorted([PROJECT / "README.md", *found])


def calls(page: Path) -> list[str]:
    """Return the calls of epicat in a page's blocks of shell, each as one line."""
    blocks = re.findall(r"^```(?:sh|console|bash)\n(.*?)^```", page.read_text(), re.M | re.S)
    found, is_open = [], False
    for line in (line for block in blocks for line in block.splitlines()):
        if is_open:
            found[-1] += " " + line.strip()
        elif re.match(r"(\$ )?epicat ", line):
            found.append(line.removeprefix("$ "))
        else:
            continue
        is_open = found[-1].endswith("\\") or found[-1].count('"') % 2 == 1
        found[-1] = found[-1].removesuffix("\\").rstrip()
    return [re.split(r" +# | 2>&1 \| ", call)[0] for call in found]


def reason(call: str) -> int | None:
    """Return the number of the first rule by which a call is not run; None if it is."""
    return next((n for n, rule in enumerate(NOT_RUN) if rule.search(call)), None)


PAGES = [page for page in pages() if any(reason(call) is None for call in calls(page))]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    place = tmp_path_factory.mktemp("pages") / "demo"
    assert epicat(["demo", str(place)]) == 0
    return place


@pytest.fixture
def folder(demo, tmp_path, monkeypatch):
    """Give a folder with all files that the pages name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EPICAT_STORE", raising=False)
    shutil.copytree(demo, "demo")
    for name in STORES:
        shutil.copytree(demo / "catalog", name)
    archive = demo / "archive"
    Path("waveforms").symlink_to(archive / "waveforms")
    for name in ("velocity.csv", "velocity_model.txt"):
        shutil.copy(archive / "velocity.txt", name)
    for name in ("stations.csv", "stations.xml"):
        shutil.copy(archive / name, name)
    text = (demo / "campaign.toml").read_text().replace('"archive/', f'"{archive}/')
    for name, store in (("campaign.toml", "catalog"), ("mendocino.toml", "mendocino")):
        Path(name).write_text(text.replace('store = "catalog"', f'store = "{store}"'))
    assert epicat(["export", "--store", "S", "--table", "picks", "-o", "picks.csv"]) == 0
    return tmp_path


def here(call: str) -> list[str]:
    """Return the words of a call as they run here."""
    words = shlex.split(call)[1:]
    words = [RULES["words"].get(word, word) for word in words]
    if words[0] == "init":  # which never overwrites a file
        words[1] = "template.toml"
        Path(words[1]).unlink(missing_ok=True)
    if words[0] in ("run", "plan") and not words[1].endswith(".toml"):
        words += ["--model", "epicat-mini"]  # PhaseNet's weights would be downloaded
    return words


def epicat(words: list[str]) -> object:
    with pytest.raises(SystemExit) as left:
        main(words)
    return left.value.code


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(PROJECT).as_posix())
def test_the_commands_of_a_page_run(page, folder):
    failed = {}
    for call in calls(page):
        if reason(call) is not None:
            continue
        words = here(call)
        status = epicat(words)
        if status not in ((0, 1) if words[0] in MAY_FAIL else (0,)):
            failed[call] = status
    assert failed == {}


def test_every_reason_is_needed():
    used = {reason(call) for page in pages() for call in calls(page)}
    assert {n for n in range(len(NOT_RUN)) if n not in used} == set()
