"""Pins are checked on the first and last patch release of every Python that is admitted."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path

import pytest

from tools import check_pins

PROJECT = Path(__file__).resolve().parent.parent
FAKE_UV = """#!{python}
import json, os, sys
with open({log!r}, "a") as log:
    log.write(json.dumps([sys.argv[1:], os.environ.get("SSL_CERT_FILE")]) + "\\n")
version = sys.argv[sys.argv.index("--python-version") + 1]
if version == {refused!r}:
    sys.exit("error: no solution for " + version)
"""


def fake_uv(folder: Path, refused: str) -> tuple[str, Path]:
    program, log = folder / "uv", folder / "log"
    program.write_text(FAKE_UV.format(python=sys.executable, log=str(log), refused=refused))
    program.chmod(0o755)
    return str(program), log


def test_versions_are_the_ends_of_each_minor_version():
    assert check_pins.python_versions(">=3.11,<3.13") == ("3.11.0", "3.11.99", "3.12.0", "3.12.99")


@pytest.mark.parametrize("text", [">=3.11", "==3.12.*", ">=3.11.2,<3.13", ""])
def test_another_form_of_requires_python_is_refused(text):
    with pytest.raises(ValueError, match="requires-python"):
        check_pins.python_versions(text)


def test_one_refusing_python_fails_the_check_and_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PIP_CERT", "/some/bundle.pem")
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    uv, log = fake_uv(tmp_path, refused="3.11.0")
    assert check_pins.main(uv) == 1
    out = capsys.readouterr().out
    assert "Python 3.11.0: the pins do not resolve\nerror: no solution for 3.11.0" in out
    assert "Python 3.12.99: the pins resolve" in out
    calls = [json.loads(line) for line in log.read_text().splitlines()]
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    pythons = check_pins.python_versions(project["requires-python"])
    assert len(calls) == len(pythons) * len(check_pins.ENVIRONMENTS)
    assert {certificates for _, certificates in calls} == {"/some/bundle.pem"}


def test_all_resolving_passes(tmp_path):
    uv, _ = fake_uv(tmp_path, refused="none")
    assert check_pins.main(uv) == 0


def test_every_dependency_group_is_checked():
    groups = tomllib.loads((PROJECT / "pyproject.toml").read_text())["dependency-groups"]
    checked = [option for each in check_pins.ENVIRONMENTS for option in each.options]
    assert set(groups) <= set(checked)


@pytest.mark.parametrize("environment", check_pins.ENVIRONMENTS, ids=lambda each: each.name)
def test_pins_are_exact(environment):
    lines = (PROJECT / environment.constraints).read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert pins
    assert [line for line in pins if "==" not in line.partition(";")[0]] == []


def test_both_files_pin_a_shared_package_alike():
    versions: dict[str, set[str]] = {}
    for environment in check_pins.ENVIRONMENTS:
        for line in (PROJECT / environment.constraints).read_text().splitlines():
            if "==" in line and not line.startswith("#") and ";" not in line:
                name, _, version = line.lower().replace("_", "-").partition("==")
                versions.setdefault(name, set()).add(version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}
