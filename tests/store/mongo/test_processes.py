"""Several processes on one database: at once, killed, and with a server that is killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from epicat.store.base import Store, Where
from epicat.store.open import open_store
from support import mongo_writer as writer
from support.mongo_server import ENCODED, MongoServer, serving

SLOW = pytest.mark.skipif(os.environ.get("EPICAT_SLOW") != "1", reason="needs EPICAT_SLOW=1")


@pytest.fixture
def lasting(tmp_path: Path) -> Iterator[MongoServer]:
    """Give a server of this test's own, that may be killed."""
    with serving(tmp_path / "server", lasting=True) as server:
        yield server


def started(url: str, units: int, *words: str) -> subprocess.Popen[str]:
    """Start a writer and wait until it is connected; it begins when `begin` says so."""
    process = subprocess.Popen(
        [sys.executable, writer.__file__, url.replace(f":{ENCODED}@", "@"), str(units), *words],
        env={**os.environ, "EPICAT_STORE": url, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    await_ready(process)
    return process


def await_ready(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.communicate()[1][-2000:]


def begin(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()


def ended(process: subprocess.Popen[str], timeout: float = 120) -> tuple[int, str]:
    out, err = process.communicate(timeout=timeout)
    return process.returncode, out + err[-2000:]


def check(store: Store, mongo: MongoServer, url: str, words: dict[str, int]) -> None:
    """Everything once, by what the store says and by what lies in the collections."""
    expected = {
        (pick_id, key)
        for word, units in words.items()
        for number in range(units)
        for key, table in writer.unit(word, number).items()
        for pick_id in table["pick_id"].to_pylist()
    }
    found = store.read("picks", Where(design=writer.RUN)).to_pydict()
    rows = Counter(zip(found["pick_id"], found["key"], strict=True))
    assert rows.keys() == expected
    assert set(rows.values()) == {1}
    assert {entry.key for entry in store.ledger()} == {key for _, key in expected}
    with mongo.client() as client:
        picks = client[urlsplit(url).path.strip("/")].picks
        assert picks.count_documents({}) == len(expected)
        assert {d["_id"] for d in picks.find({}, {"_id": True})} == {name for name, _ in expected}


def test_four_processes_write_other_units_and_then_the_same(mongo, url):
    store = open_store(url, create=True)
    writers = [started(url, 2, f"own-{number}", "same") for number in range(4)]
    begin(*writers)
    await_ready(*writers)
    words = {f"own-{number}": 2 for number in range(4)}
    check(store, mongo, url, words)
    begin(*writers)
    assert [ended(process) for process in writers] == [(0, "done\n")] * 4
    check(store, mongo, url, {**words, "same": 2})
    generations = {e.key: e.generation for e in store.ledger() if "XX.SA" in e.key}
    with mongo.client() as client:
        picks = client[urlsplit(url).path.strip("/")].picks
        rows = list(picks.find({"key": {"$in": list(generations)}}))
    assert all(row["generations"] == [generations[row["key"]]] for row in rows)


@SLOW
@pytest.mark.slow
def test_a_writer_is_killed_at_ten_random_moments(mongo, url):
    store = open_store(url, create=True)
    moments = random.Random(5)
    units, kills = 60, 0
    while kills < 10:
        process = started(url, units, "own-0")
        begin(process)
        try:
            process.wait(moments.uniform(0.02, 1.0))
            process.communicate()
            break  # it was faster
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            kills += 1
    marked = len(store.ledger())
    print(f"killed {kills} times; {marked} of {units * writer.DAYS} keys were marked by then")
    assert kills == 10
    process = started(url, units, "own-0")
    begin(process)
    assert ended(process) == (0, "done\n")
    check(store, mongo, url, {"own-0": units})


def wait_for_marks(url: str, count: int) -> None:
    store, until = open_store(url), time.monotonic() + 60
    while len(store.ledger()) < count:
        assert time.monotonic() < until, f"no {count} marks within a minute"
        time.sleep(0.05)


@SLOW
@pytest.mark.slow
def test_the_server_is_killed_and_comes_back(lasting: MongoServer):
    url = lasting.url("killed")
    open_store(url, create=True)
    process = started(url, 60, "own-0")
    begin(process)
    wait_for_marks(url, 10)
    lasting.stop(signal.SIGKILL)
    assert process.poll() is None
    time.sleep(2)
    lasting.start()
    code, text = ended(process)
    print(f"the writer ended with {code}: {text}")
    assert code == 0, text
    check(open_store(url), lasting, url, {"own-0": 60})


@SLOW
@pytest.mark.slow
def test_the_server_is_killed_and_stays_away(lasting: MongoServer, monkeypatch):
    """The writer stops with a clear message, and a rerun completes what it did."""
    url = lasting.url("killed", more="serverSelectionTimeoutMS=300")
    open_store(url, create=True)
    with monkeypatch.context() as brief:
        brief.setenv("EPICAT_PATIENCE", "3")
        process = started(url, 60, "own-0")
    begin(process)
    wait_for_marks(url, 10)
    lasting.stop(signal.SIGKILL)
    code, text = ended(process)
    assert code == 1
    assert "StoreError: store mongodb://ana@" in text
    assert "nothing answers at" in text
    lasting.start()
    process = started(url, 60, "own-0")
    begin(process)
    assert ended(process) == (0, "done\n")
    check(open_store(url), lasting, url, {"own-0": 60})
