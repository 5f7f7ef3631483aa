"""Every command has an example at the end of its help, and accepts its flags."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
import typer

from epicat.cli.app import app, main
from epicat.cli.examples import EXAMPLES

ROOT: Any = typer.main.get_command(app)


def leaves(command: Any, name: str = "") -> dict[str, Any]:
    """Return the commands that do something by name."""
    found = {}
    for part, child in getattr(command, "commands", {}).items():
        found |= leaves(child, f"{name} {part}".strip())
    if name and getattr(command, "invoke_without_command", True):
        found[name] = command
    return found


def test_every_command_has_an_example():
    assert set(EXAMPLES) == set(leaves(ROOT))


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_a_command_knows_the_flags_of_its_example_and_shows_it(name, capsys):
    words = shlex.split(EXAMPLES[name])
    assert words[: 1 + len(name.split())] == ["epicat", *name.split()]
    own = words[: words.index("--")] if "--" in words else words
    known = {flag for p in leaves(ROOT)[name].params for flag in (*p.opts, *p.secondary_opts)}
    flags = {word for word in own if word.startswith("-") and not word[1:2].isdigit()}
    assert flags <= known
    with pytest.raises(SystemExit):
        main([*name.split(), "--help"])
    assert f"Example: epicat {name}" in " ".join(capsys.readouterr().out.split())
