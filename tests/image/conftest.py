"""The image under test, run as it should be: by nobody, on a read-only root, without a network."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

_HARDENED = [
    "--rm", "--read-only", "--tmpfs=/tmp", "--cap-drop=all", "--security-opt=no-new-privileges",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Image:
    """One image, and the engine that has it."""

    engine: str
    name: str

    def run(self, *words: str, python: bool = False, **mounted: Iterable[Path]) -> str:
        """Run the entry point, or Python, in a hardened container; return its stdout.

        ``readonly`` and ``writable`` folders are mounted where they are outside.
        """
        command = self.hardened("--network=none")
        for folder in mounted.get("readonly", ()):
            command += ["--volume", f"{folder}:{folder}:ro"]
        for folder in mounted.get("writable", ()):
            command += ["--volume", f"{folder}:{folder}"]
        if mounted:  # the caches are among them
            command += ["--env=EPICAT_CACHE", "--env=SEISBENCH_CACHE_ROOT"]
        if python:
            command += ["--entrypoint", "/opt/epicat/bin/python"]
        command += [self.name, *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def hardened(self, *options: str) -> list[str]:
        """Return how a command begins that runs it with all doors shut."""
        return [self.engine, "run", *_HARDENED, *self._user(), *options]

    def json(self, program: str) -> Any:
        """Run a program of Python that prints JSON; return what it printed."""
        return json.loads(self.run("-c", program, python=True))

    def inspect(self, template: str) -> str:
        """Return what the engine says about the image."""
        command = [self.engine, "image", "inspect", "--format", template, self.name]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def _user(self) -> list[str]:
        # Root lets the image choose; a person gets files of their own.
        if os.getuid() == 0:
            return []
        if self.engine == "podman":
            return ["--userns=keep-id"]
        return [f"--user={os.getuid()}:{os.getgid()}"]


def _image(target: str) -> Image:
    repository = os.environ.get("EPICAT_IMAGE")
    if not repository:
        pytest.skip("no image is named by EPICAT_IMAGE: `make image-test` builds and tests it")
    return Image(os.environ.get("ENGINE", "docker"), f"{repository}:{target}")


@pytest.fixture(scope="session")
def worker() -> Image:
    """Give the image of a worker."""
    return _image("worker")
