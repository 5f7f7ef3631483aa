"""Check that the pinned versions can be installed on every Python that pyproject.toml admits.

A package pinned on one interpreter may refuse another, even another patch release of the same
minor version.  `uv pip compile` resolves the pins for any Python from the metadata of the packages:
nothing is installed and no wheel is downloaded.  Only wheels for Linux x86-64 count,
except for PyOcto, which has none for Python 3.13 and newer and is built from source there.

Usage: python tools/check_pins.py, with `uv` next to the interpreter or on the PATH.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["ENVIRONMENTS", "Environment", "check", "python_versions"]

PROJECT: Final = Path(__file__).resolve().parent.parent
_LAST_PATCH = 99
"""Above every patch release of a minor version."""
_PIP_SETTINGS = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
    "PIP_CERT": "SSL_CERT_FILE",
}
"""pip's settings from the environment, and uv's names for the same."""


@dataclass(frozen=True, slots=True)
class Environment:
    """A set of packages that one command of the Makefile installs."""

    name: str
    """Name for messages."""
    constraints: str
    """File with the pins, relative to the project."""
    options: tuple[str, ...]
    """What is installed, as options of `uv pip compile`."""


ENVIRONMENTS: Final = (
    Environment("tests", "constraints.txt", ("--all-extras", "--group", "dev", "pyproject.toml")),
    Environment("docs", "constraints-docs.txt", ("--group", "docs")),
)
"""The demo installs a part of the first, which resolves whenever the whole does."""


FROM_SOURCE: Final = ("pyocto",)
"""Packages that pip may build."""


def python_versions(requires_python: str) -> tuple[str, ...]:
    """Return the first and the last patch release of each minor version that is admitted.

    ``requires_python`` has the form ``>=3.A,<3.B``; any other raises `ValueError`.
    """
    found = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", requires_python.replace(" ", ""))
    if not found:
        raise ValueError(f"requires-python is {requires_python!r}; expected the form >=3.A,<3.B")
    minors = range(int(found[1]), int(found[2]))
    return tuple(f"3.{minor}.{patch}" for minor in minors for patch in (0, _LAST_PATCH))


def check(
    environment: Environment, python: str, uv: str, variables: Mapping[str, str]
) -> str | None:
    """Resolve an environment's pins for one Python; return uv's message if that fails."""
    command = [
        uv, "pip", "compile", "--quiet", "--no-header", "--python-version", python,
        "--python-platform", "x86_64-unknown-linux-gnu", "--only-binary", ":all:",
        *(option for name in FROM_SOURCE for option in ("--no-binary", name)),
        "--constraints", environment.constraints, *environment.options,
    ]  # fmt: skip
    done = subprocess.run(  # nosec B603 - our own command
        command, cwd=PROJECT, env=dict(variables), capture_output=True, text=True, check=False
    )
    return done.stderr.strip() or f"exit status {done.returncode}" if done.returncode else None


def main(uv: str, environments: Sequence[Environment] = ENVIRONMENTS) -> int:
    """Check every environment on every Python, report each, and return the exit status."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    variables = dict(os.environ)
    for pip_name, uv_name in _PIP_SETTINGS.items():
        if pip_name in variables:
            variables.setdefault(uv_name, variables[pip_name])
    failures = 0
    for environment in environments:
        for python in python_versions(project["requires-python"]):
            error = check(environment, python, uv, variables)
            failures += error is not None
            verdict = "the pins resolve" if error is None else f"the pins do not resolve\n{error}"
            print(f"{environment.name} ({environment.constraints}), Python {python}: {verdict}")
    return int(bool(failures))


if __name__ == "__main__":
    local = Path(sys.executable).with_name("uv")
    program = str(local) if local.is_file() else shutil.which("uv")
    if program is None:
        sys.exit("uv is not installed; run `make check-pins`")
    sys.exit(main(program))
