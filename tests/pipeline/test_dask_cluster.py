"""Dask clusters that were started elsewhere: refusals, warnings, and what is gone."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from epicat._version import __version__
from epicat.errors import ClusterError, InputError
from epicat.store.parquet import ParquetStore
from epicat.testing.executor_contract import tables_of
from support.network_fixtures import undisturbed_catalog, written_network
from support.tiny_network import arguments, settled, truths

pytest.importorskip("distributed")

from epicat.pipeline.dask import executor
from epicat.pipeline.dask.cluster import connected
from epicat.pipeline.dask.executor import DaskExecutor
from epicat.pipeline.runner import write_records
from support.dask_cluster import serving

EVENTS = truths([-300, -1.0, 60.5])

OTHER_VERSION = """
import epicat._version
epicat._version.__version__ = "0.0.1"
"""


network = written_network(EVENTS)
expected = undisturbed_catalog(len(EVENTS))


@pytest.fixture
def store(tmp_path):
    return ParquetStore(tmp_path / "store", create=True)


@pytest.fixture
def campaign(network, store):
    campaign = settled(network, Path(store.location))
    write_records(campaign, store)
    return campaign


def refusal(cluster, campaign, reports):
    """Return the error of a campaign that the workers of a cluster cannot do."""
    with (
        connected(str(cluster.file), 0, reports.append) as connection,
        pytest.raises(ClusterError) as refused,
    ):
        DaskExecutor(connection, campaign, reports.append)
    return str(refused.value)


def test_a_worker_with_another_version_is_refused_before_any_work(tmp_path, campaign, store):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "sitecustomize.py").write_text(OTHER_VERSION)
    source = str(Path(__file__).parents[2] / "src")
    environment = {"PYTHONPATH": f"{tmp_path / 'other'}:{source}"}
    reports = []
    with serving(tmp_path / "cluster", environment=environment) as cluster:
        message = refusal(cluster, campaign, reports)
    assert "cannot be used: it has epicat 0.0.1, and this run is of epicat " in message
    assert f"{__version__}: install the same version on all machines" in message
    assert store.ledger() == []
    assert not [text for text in reports if "not encrypted" in text], "the loopback is private"


def test_workers_without_the_store_or_the_archive_are_refused(tmp_path, campaign):
    reports = []
    with serving(tmp_path / "cluster") as cluster:
        other = ParquetStore(tmp_path / "other", create=True)
        wrong = campaign.model_copy(update={"store": other.location})
        assert "which only has the same name here" in refusal(cluster, wrong, reports)
        wrong = campaign.model_copy(update={"archive": str(tmp_path / "no archive")})
        assert "no archive" in refusal(cluster, wrong, reports)


def outward_address():
    """Return an address of this machine that is not the loopback; None without one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            return None
        address = probe.getsockname()[0]
    return None if address.startswith("127.") else address


def test_a_connection_that_leaves_the_machine_unencrypted_is_reported(tmp_path, campaign):
    host = outward_address()
    if host is None:
        pytest.skip("this machine has no address but the loopback")
    reports = []
    with (
        serving(tmp_path / "cluster", host=host) as cluster,
        connected(str(cluster.file), 0, reports.append) as connection,
    ):
        assert connection.address.startswith(f"tcp://{host}:")
        DaskExecutor(connection, campaign, reports.append).close(now=False)
    (warning,) = [text for text in reports if text.startswith("warning: ")]
    assert f"the connection to tcp://{host}:" in warning
    assert "is not encrypted" in warning
    assert "use TLS outside of a trusted network" in warning


def test_a_scheduler_that_is_not_there_is_an_error():
    with (
        pytest.raises(InputError, match="there is no such scheduler file"),
        connected("nowhere.json", 0, print),
    ):
        pass
    with (
        pytest.raises(ClusterError, match="does not answer") as gone,
        connected("tcp://127.0.0.1:9", 0, print),
    ):
        pass
    assert "Traceback" not in str(gone.value)


def test_a_run_on_a_cluster_makes_the_same_catalog(tmp_path, network, expected, store):
    with serving(tmp_path / "cluster") as cluster:
        words = [sys.executable, "-m", "epicat", "run", *arguments(network, Path(store.location)),
                 "--executor", "dask", "--scheduler", str(cluster.file)]  # fmt: skip
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert tables_of(store) == expected


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hangs"])
def test_a_run_whose_scheduler_is_gone_ends_within_ten_seconds_and_resumes(
    fault, tmp_path, network, expected, store
):
    words = [sys.executable, "-m", "epicat", "run", *arguments(network, Path(store.location)),
             "--days-per-unit", "1"]  # fmt: skip
    with serving(tmp_path / "cluster") as cluster:
        run = subprocess.Popen(
            [*words, "--executor", "dask", "--scheduler", str(cluster.file)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            while not store.ledger() and run.poll() is None:
                time.sleep(0.02)
            cluster.scheduler.send_signal(fault)
            begin = time.monotonic()
            _, errors = run.communicate(timeout=60)
            seconds = time.monotonic() - begin
        finally:
            run.kill()
    assert run.returncode == 1, errors
    assert "is gone; finished work is kept: run the same command to resume" in errors
    assert "Traceback" not in errors
    # Ten seconds by design; a machine with two other tests on it may take a little longer
    assert executor._THREADS_AGE_S + executor._POLL_S + executor._ANSWER_S < 9
    assert seconds < 15
    done = len(store.ledger())
    assert 0 < done < 32
    subprocess.run([*words, "--workers", "1"], check=True, capture_output=True)
    assert tables_of(store) == expected
