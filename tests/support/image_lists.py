"""The package lists in ``docker/``."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "docker"

_LINE = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>\S+)(?: ; (?P<marker>.+?))? \\")


def lines(name: str) -> list[re.Match[str]]:
    """Return the packages of a list: name, version, marker."""
    text = (FOLDER / f"{name}.txt").read_text().splitlines()
    return [found for line in text if (found := _LINE.fullmatch(line))]


def packages(name: str, python: int) -> dict[str, str]:
    """Return names and versions in a list for Linux and CPython 3.``python``."""
    return {line["name"]: line["version"] for line in lines(name) if _holds(line["marker"], python)}


def _holds(marker: str | None, python: int) -> bool:
    if marker is None or "implementation_name" in marker:
        return True
    if "python_full_version" in marker:
        return ("<" in marker) == (python < 12)
    return False  # the others are for other systems
