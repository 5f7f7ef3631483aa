"""Fixtures that several modules of tests make, each with events of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from support.tiny_network import Truth, write_network
from support.undisturbed import undisturbed_tables


def written_network(events: Sequence[Truth], around_s: int = 900) -> Callable[..., Path]:
    """Return a fixture: the folder of a module's `write_network`."""

    @pytest.fixture(scope="module")
    def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
        folder = tmp_path_factory.mktemp("network")
        write_network(folder, events, around_s)
        return folder

    return network


def undisturbed_catalog(n_events: int) -> Callable[..., dict[str, pa.Table]]:
    """Return a fixture: the tables that one process makes, undisturbed, from ``network``."""

    @pytest.fixture(scope="module")
    def catalog(network: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pa.Table]:
        found = undisturbed_tables(network, tmp_path_factory.mktemp("expected") / "store")
        assert found["events"].num_rows == n_events
        return found

    return catalog
