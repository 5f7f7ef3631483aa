"""The Dockerfile and the package lists of the image: complete, pinned, with hashes."""

from __future__ import annotations

import re
import tomllib

import pytest

from support.image_lists import FOLDER, lines, packages

PROJECT = FOLDER.parent
LISTS = ["worker", "tools"]
RENEW = "constraints.txt or pyproject.toml has changed: renew the lists by `make pins`"


def name_of(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9_.-]", requirement)[0].lower().replace("_", "-")


def constraints() -> set[tuple[str, str]]:
    text = (PROJECT / "constraints.txt").read_text()
    found = re.findall(r"^([A-Za-z0-9_.-]+)==([^;\s]+)", text, re.MULTILINE)
    return {(name.lower().replace("_", "-"), version) for name, version in found}


@pytest.mark.parametrize("name", LISTS)
def test_versions_are_those_that_epicat_is_tested_with(name):
    pinned = constraints()
    names = {each for each, _ in pinned}
    listed = {(line["name"], line["version"]) for line in lines(name) if line["name"] in names}
    assert listed
    assert listed <= pinned, RENEW


@pytest.mark.parametrize("python", [11, 12])
def test_a_worker_has_all_that_epicat_depends_on(python):
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    listed = packages("worker", python)
    assert {name_of(each) for each in project["dependencies"]} <= set(listed), RENEW
    assert "openvino-telemetry" not in listed


@pytest.mark.parametrize("name", LISTS)
def test_every_package_has_hashes(name):
    text = (FOLDER / f"{name}.txt").read_text()
    assert text.count(" \\\n    --hash=sha256:") >= len(lines(name)) > 0
    entries = re.split(r"\n(?=[a-z])", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    assert all("--hash=sha256:" in entry for entry in entries)


def test_no_list_names_a_place_to_load_from():
    assert not [f for f in FOLDER.glob("*.txt") if "://" in f.read_text()]
