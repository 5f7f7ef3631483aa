"""The two real pickers, compiled once for the session."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from epicat.pick.openvino.bundle import Bundle
from epicat.pick.openvino.picker import OpenVinoPicker
from epicat.pick.picker import PickOptions
from epicat.pick.resolve import prepare_bundle

REAL = {"PhaseNet": "original", "PhaseNetLight": "ethz"}


@pytest.fixture(scope="session")
def bundles(seisbench_cache: Path) -> dict[str, Bundle]:
    """Give the compiled pickers by model."""
    return {m: prepare_bundle(PickOptions(model=m, weight=w)) for m, w in REAL.items()}


@pytest.fixture(scope="session", params=list(REAL))
def bundle(request: pytest.FixtureRequest, bundles: dict[str, Bundle]) -> Bundle:
    return bundles[request.param]


@pytest.fixture(scope="session")
def picker(bundle: Bundle) -> OpenVinoPicker:
    return OpenVinoPicker(bundle)


@pytest.fixture(scope="session")
def seisbench_model(bundle: Bundle, seisbench_cache: Path) -> Any:
    """Give SeisBench's own model of the same weights."""
    models = pytest.importorskip("seisbench.models")
    return getattr(models, bundle.info.model).from_pretrained(bundle.info.weight)


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give epicat a cache for this test alone."""
    monkeypatch.setenv("EPICAT_CACHE", str(tmp_path / "epicat-cache"))
    return tmp_path / "epicat-cache"


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the hub of weights unreachable, also where there is a network."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv(name.upper(), "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Start:
    """Give a function that starts Python with a script, in this environment."""

    def started(script: str, *arguments: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", script, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},  # several at once on few cores
        )

    return started
