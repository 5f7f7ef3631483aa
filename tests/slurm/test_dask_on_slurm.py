"""The contract of executors for Dask's workers as jobs of SLURM."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress

import pytest

from epicat.testing.executor_contract import ExecutorContract
from support.tiny_network import settled, truths, write_network
from support.undisturbed import undisturbed_tables

SECONDS = [-600, -1.0, 60.5]


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    folder = tmp_path_factory.mktemp("network")
    write_network(folder, truths(SECONDS))
    return folder


@pytest.fixture(scope="module")
def tables(network, tmp_path_factory):
    return undisturbed_tables(network, tmp_path_factory.mktemp("expected") / "store")


class TestDaskOnSlurm(ExecutorContract):
    kills = 2
    kill_every_s = 2.0

    @pytest.fixture(autouse=True)
    def _workers(self, cluster, tmp_path):
        """Start two workers with dask-jobqueue, and give their scheduler."""
        jobqueue = pytest.importorskip("dask_jobqueue")
        with jobqueue.SLURMCluster(
            cores=1, processes=1, memory="1GB", walltime="00:10:00", interface="lo",
            job_directives_skip=["--mem"], log_directory=str(tmp_path / "logs"),
            scheduler_options={"dashboard_address": None, "host": "127.0.0.1"},
        ) as workers:  # fmt: skip
            workers.scale(2)
            self.workers = workers
            yield

    @pytest.fixture
    def make_campaign(self, network):
        return lambda store: settled(network, store)

    @pytest.fixture
    def expected(self, tables):
        return tables

    @contextmanager
    def running(self, campaign):
        from epicat.pipeline.dask.cluster import connected
        from epicat.pipeline.dask.executor import DaskExecutor

        address = self.workers.scheduler_address
        with connected(address, 0, print) as cluster:
            self.client = cluster.client
            yield lambda: DaskExecutor(cluster, campaign, print)

    def processes(self):
        """Return the workers' processes: their nannies start others."""
        with suppress(OSError, TimeoutError):
            return list(self.client.run(os.getpid).values())
        return []
