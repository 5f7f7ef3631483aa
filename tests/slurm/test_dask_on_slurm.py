"""The contract of executors for Dask's workers as jobs of SLURM."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress

import pytest

from epicat.testing.executor_contract import ExecutorContract
from support.network_fixtures import undisturbed_catalog, written_network
from support.tiny_network import settled, truths

SECONDS = [-600, -1.0, 60.5]


network = written_network(truths(SECONDS))
tables = undisturbed_catalog(len(SECONDS))


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
