"""The pages against the program: commands that exist, parameters with their true defaults."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

import command_reference
import doc_charts
from epicat.association.associate_options import PyOctoOptions
from epicat.cli.app import app
from epicat.pick.supported import MODELS

PROJECT = Path(__file__).resolve().parent.parent
PAGES = sorted([PROJECT / "README.md", *(PROJECT / "docs").rglob("*.md")])
ROOT = typer.main.get_command(app)


def commands(page: Path) -> list[str]:
    """Return the calls of epicat in a page's blocks of shell, each as one line."""
    blocks = re.findall(r"^```(?:sh|console)\n(.*?)^```", page.read_text(), re.M | re.S)
    lines = [line for block in blocks for line in re.sub(r"\\\n", " ", block).splitlines()]
    return [line.removeprefix("$ ") for line in lines if re.match(r"(\$ )?epicat ", line)]


def unknown(line: str) -> list[str]:
    """Return the words of a call that the command line does not know."""
    line = line.partition(" 2>&1 | ")[0]
    words = shlex.split(line.partition(" #")[0] if line.count('"') % 2 == 0 else line + '"')[1:]
    if "--" in words:  # another command follows
        at = words.index("--")
        return [
            *unknown(shlex.join(["epicat", *words[:at]])),
            *unknown(shlex.join(words[at + 1 :])),
        ]
    command = ROOT
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    is_group = command is ROOT or not getattr(command, "invoke_without_command", True)
    if is_group:
        return [word for word in words if word not in ("--version", "--help")]
    known = {name for p in command.params for name in (*p.opts, *p.secondary_opts)}
    return [word for word in words if re.match(r"--?[a-z]", word) and word not in known]


def parameters(page: Path) -> set[str]:
    """Return the names in code in the first column of the tables."""
    first = re.findall(r"^\| (`[^|]*) \|", page.read_text(), re.M)
    return {name for cell in first for name in re.findall(r"`([^`]+)`", cell)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(PROJECT).as_posix())
def test_commands_in_the_pages_exist(page):
    assert {line: unknown(line) for line in commands(page) if unknown(line)} == {}


def test_a_command_that_does_not_exist_is_noticed():
    assert unknown("epicat runn 1 2 --store x") == ["runn", "1", "2", "--store", "x"]
    assert unknown("epicat status --store x --stor y") == ["--stor"]
    assert len(commands(PROJECT / "docs" / "tutorial" / "first-catalog.md")) > 5


def test_the_reference_of_the_commands_is_fresh():
    fresh = command_reference.PAGE.read_text() == command_reference.reference(app)
    assert fresh, "docs/reference/commands.md is not what the program says: run `make reference`"


def test_a_command_or_option_without_help_is_noticed():
    odd = typer.Typer()

    @odd.command("bare")
    def bare(place: str, dry: bool = False) -> None: ...

    @odd.command("told")
    def told() -> None:
        """Tell."""

    missing = ["epicat bare", "epicat bare place", "epicat bare --dry"]
    assert list(command_reference.undocumented(odd)) == missing
    with pytest.raises(ValueError, match="epicat bare --dry"):
        command_reference.reference(odd)


def test_parameters_of_association_that_may_be_changed_exist():
    told = parameters(PROJECT / "docs" / "reference" / "association.md")
    options = {p.opts[0] for p in ROOT.commands["run"].params}
    assert told - options - PyOctoOptions.model_fields.keys() == set()
    assert len(told) > 20


def test_models_are_described_as_they_are():
    page = (PROJECT / "docs" / "howto" / "models.md").read_text()
    found = re.findall(r"^\| (`[^|]*`) \| (runs|refused) \|", page, re.M)
    told = {name: word for names, word in found for name in re.findall(r"`(\w+)`", names)}
    assert told == {name: "refused" if kind.refused else "runs" for name, kind in MODELS.items()}


def test_titles_differ():
    titles = [page.read_text().partition("\n")[0] for page in PAGES]
    assert all(title.startswith("# ") for title in titles)
    assert sorted(titles) == sorted(set(titles))
    nav = (PROJECT / "mkdocs.yml").read_text().partition("\nnav:")[2]
    names = re.findall(r"^ +- \"?([^\"\n]+?)\"?: \S", nav, re.M)
    assert len(names) > 40
    assert sorted(names) == sorted(set(names))


def external_links() -> dict[str, list[str]]:
    """Return the addresses of other servers that the pages link to, with the pages."""
    found: dict[str, list[str]] = {}
    for page in PAGES:
        links = re.findall(r"(?:\]\(|<)(https?://[^)>\s]+)[)>]", page.read_text())
        for link in dict.fromkeys(links):
            found.setdefault(link, []).append(page.relative_to(PROJECT).as_posix())
    return dict(sorted(found.items()))


def test_every_external_link_is_listed():
    listed = (PROJECT / "docs" / "links.txt").read_text().splitlines()
    assert [line for line in listed if not line.startswith("#")] == list(external_links())


@pytest.mark.parametrize("name", doc_charts.CHARTS)
def test_charts_show_the_tables(name):
    fresh = (doc_charts.IMAGES / name).read_text() == doc_charts.CHARTS[name]()
    assert fresh, f"docs/images/{name} is not what its page says: run `make reference`"
