"""The contract of executors, for all that run on one machine."""

from __future__ import annotations

import multiprocessing
from contextlib import contextmanager

import pytest

from epicat.pipeline.executors import Serial
from epicat.pipeline.process_pool import Pool
from epicat.testing.executor_contract import ExecutorContract
from support.network_fixtures import undisturbed_catalog, written_network
from support.tiny_network import settled, truths

SECONDS = [-600, -1.0, 60.5, 620]


network = written_network(truths(SECONDS))
tables = undisturbed_catalog(len(SECONDS))


class OnThisMachine(ExecutorContract):
    @pytest.fixture
    def make_campaign(self, network):
        return lambda store: settled(network, store)

    @pytest.fixture
    def expected(self, tables):
        return tables


class TestSerial(OnThisMachine):
    can_kill = False

    @contextmanager
    def running(self, campaign):
        yield lambda: Serial(campaign)


class TestPool(OnThisMachine):
    @contextmanager
    def running(self, campaign):
        yield lambda: Pool(campaign, 2)
        assert multiprocessing.active_children() == []

    def processes(self):
        return [child.pid for child in multiprocessing.active_children()]


@pytest.fixture(scope="module")
def local_cluster():
    pytest.importorskip("distributed")
    from epicat.pipeline.dask.cluster import connected

    with connected(None, 2, print) as cluster:
        yield cluster


class TestLocalCluster(OnThisMachine):
    @pytest.fixture(autouse=True)
    def _cluster(self, local_cluster):
        self.cluster = local_cluster

    @contextmanager
    def running(self, campaign):
        from epicat.pipeline.dask.executor import DaskExecutor

        yield lambda: DaskExecutor(self.cluster, campaign, print)

    def processes(self):
        return self.cluster.local_processes()
