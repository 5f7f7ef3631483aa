"""A SLURM cluster for the tests of this folder."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from support import slurm_cluster


@pytest.fixture(scope="session")
def running_cluster() -> Iterator[slurm_cluster.SlurmCluster]:
    """Give a real cluster; skip without SLURM, or fail if EPICAT_REQUIRE_SLURM=1."""
    with _serving(slurm_cluster.PROGRAMS) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def accounting_cluster() -> Iterator[slurm_cluster.SlurmCluster]:
    """Give a real cluster with slurmdbd; skip or fail likewise."""
    programs = (*slurm_cluster.PROGRAMS, *slurm_cluster.ACCOUNTANTS)
    with _serving(programs, accounts=True) as cluster:
        yield cluster


@contextmanager
def _serving(
    programs: Sequence[str], *, accounts: bool = False
) -> Iterator[slurm_cluster.SlurmCluster]:
    reason = slurm_cluster.missing(programs)
    if reason:
        if os.environ.get("EPICAT_REQUIRE_SLURM", "0") not in {"", "0"}:
            pytest.fail(f"{reason}; EPICAT_REQUIRE_SLURM asks for it", pytrace=False)
        pytest.skip(reason)
    # Not pytest's folder: the path of munge's socket must be short.
    with (
        tempfile.TemporaryDirectory(prefix="slurm-", ignore_cleanup_errors=True) as folder,
        slurm_cluster.serving(Path(folder, "cluster"), accounts=accounts) as cluster,
    ):
        yield cluster


@pytest.fixture
def cluster(running_cluster, monkeypatch) -> slurm_cluster.SlurmCluster:
    """Give the cluster without jobs, whose commands this process finds."""
    for name, value in running_cluster.environment.items():
        monkeypatch.setenv(name, value)
    running_cluster.cancel_all()
    return running_cluster
