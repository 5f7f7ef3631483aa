"""Stopped in the middle, for certain: a worker reads its model from a pipe that nobody fills."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from epicat.campaign.options import Partition
from epicat.ledger import Stage
from epicat.pipeline.jobs.submission import Submission
from epicat.pipeline.runner import make_plan
from epicat.store.parquet import ParquetStore
from support.tiny_network import arguments, settled, truths, write_network
from support.undisturbed import run_undisturbed, tables_at

EVENTS = truths([-300, -1.0, 60.5])
EPICAT = [sys.executable, "-m", "epicat"]


def epicat(*arguments_):
    return subprocess.Popen(
        [*EPICAT, *arguments_], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip


def opened_for_writing(pipe):
    """Wait until somebody reads the pipe."""
    with ThreadPoolExecutor(1) as threads:
        opening = threads.submit(os.open, pipe, os.O_WRONLY)
        try:
            return opening.result(timeout=60)
        except TimeoutError:
            os.close(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK))  # lets the thread end
            raise


def give_next(pipe, body):
    """Fill the pipe for whoever opens it first; the next one meets a new one."""
    writing = opened_for_writing(pipe)
    fresh = pipe.with_name("fresh")
    os.mkfifo(fresh)
    fresh.replace(pipe)
    os.write(writing, body)
    os.close(writing)


def done(folder, end="2020-01-03"):
    """Do the same campaign as the command line, in this process."""
    store = ParquetStore(folder / "store", create=True)
    assert not run_undisturbed(settled(folder, folder / "store", end=end), store).has_failures


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    write_network(folder, EVENTS)
    done(folder)
    found = tables_at(folder / "store")
    assert found["events"].num_rows == len(EVENTS)
    return found


@pytest.mark.parametrize(
    ("number", "times", "code"),
    [
        (signal.SIGINT, 1, 130),
        (signal.SIGINT, 9, 130),
        (signal.SIGTERM, 1, 130),
        (signal.SIGKILL, 1, -signal.SIGKILL),
    ],
    ids=["Ctrl-C", "Ctrl-C again and again", "SIGTERM", "killed"],
)
def test_a_stopped_run_leaves_no_worker_behind_and_can_go_on(
    tmp_path, expected, number, times, code, monkeypatch
):
    monkeypatch.setenv("EPICAT_CACHE", str(tmp_path / "cache"))
    write_network(tmp_path, EVENTS)
    store = tmp_path / "store"
    given = arguments(tmp_path, store, "--workers", "1")
    done(tmp_path, end="2020-01-02")
    before = ParquetStore(store).ledger(Stage.PICK)
    assert len(before) == 8

    (about,) = (tmp_path / "cache").rglob("bundle.json")
    body = about.read_bytes()
    about.unlink()
    os.mkfifo(about)
    running = epicat("run", *given)
    try:
        give_next(about, body)  # to the command itself
        writing = opened_for_writing(about)  # a worker has begun
        for _ in range(times):
            running.send_signal(number)
        # Ends when the last process that has its output does, workers included.
        _, told = running.communicate(timeout=60)
    finally:
        running.kill()
    os.close(writing)
    assert running.returncode == code
    assert "Traceback" not in told
    if code == 130:
        assert "epicat: interrupted" in told
    if (code, times) == (130, 1):
        assert "run the same command again to resume" in told
    assert set(before) <= set(ParquetStore(store).ledger())

    about.unlink()
    about.write_bytes(body)
    done(tmp_path)
    assert tables_at(store) == expected


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_run_that_only_begins_is_interrupted_in_order(tmp_path, number, monkeypatch):
    monkeypatch.setenv("EPICAT_CACHE", str(tmp_path / "cache"))
    write_network(tmp_path, EVENTS)
    given = arguments(tmp_path, tmp_path / "store")
    (about,) = (tmp_path / "cache").rglob("bundle.json")
    about.unlink()
    os.mkfifo(about)
    running = epicat("run", *given)
    try:
        writing = opened_for_writing(about)
        running.send_signal(number)
        _, told = running.communicate(timeout=60)
    finally:
        running.kill()
    os.close(writing)
    assert running.returncode == 130
    assert "Traceback" not in told
    assert "epicat: interrupted" in told


def test_a_job_that_is_interrupted_asks_for_another_attempt(tmp_path, expected, monkeypatch):
    monkeypatch.setenv("EPICAT_CACHE", str(tmp_path / "cache"))
    write_network(tmp_path, EVENTS)
    campaign = settled(tmp_path, tmp_path / "store")
    store = ParquetStore(tmp_path / "store", create=True)
    plan = make_plan(campaign, Partition(stations_per_unit=4), store, recheck=False)
    submission = Submission(str(tmp_path / "submission"))
    submission.write_campaign(campaign)
    given = ("work", "--plan", submission.write_units("pick", plan.picking))
    assert epicat(*given, "--index", "0").wait(60) == 0
    before = store.ledger()
    assert len(before) == 8

    (about,) = (tmp_path / "cache").rglob("bundle.json")
    body = about.read_bytes()
    about.unlink()
    os.mkfifo(about)
    running = epicat(*given, "--index", "1")
    try:
        writing = opened_for_writing(about)  # its process has begun
        running.send_signal(signal.SIGTERM)
        _, told = running.communicate(timeout=60)
    finally:
        running.kill()
    os.close(writing)
    assert running.returncode == 75
    assert "Traceback" not in told
    assert "another attempt does the rest" in told
    assert store.ledger() == before

    about.unlink()
    about.write_bytes(body)
    assert epicat(*given, "--index", "1").wait(60) == 0
    assert tables_at(tmp_path / "store")["picks"] == expected["picks"]
