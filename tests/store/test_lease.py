"""The same campaign started twice at once is refused; one whose process was killed never is."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from epicat.errors import BusyError
from epicat.store.lease import Holder, held
from epicat.store.open import open_store
from epicat.store.parquet import ParquetStore
from support import s3

HOLD = """
import sys, time
from epicat.store.lease import held
from epicat.store.open import open_store
with held(open_store(sys.argv[1]), "campaign"):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture(params=["folder", "s3", "mongo"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "s3":
        request.getfixturevalue("server")
        place = f"s3://{s3.CATALOGS}/{tmp_path.name}"
    elif request.param == "mongo":
        place = request.getfixturevalue("mongo").url(f"l{tmp_path.name}")
    else:
        place = str(tmp_path / "store")
    open_store(place, create=True)
    return place


def holding(location: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, location],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_another_process_is_named_and_a_killed_one_is_not(location):
    store = open_store(location)
    process = holding(location)
    try:
        told = rf"already being run by process {process.pid} .*stop it \(kill {process.pid}\)"
        with pytest.raises(BusyError, match=told), held(store, "campaign"):
            pass
        with held(store, "another"):
            pass
    finally:
        process.kill()
        process.wait()
    with held(store, "campaign"):
        pass


def test_one_that_was_refused_leaves_the_other_s_mark(location):
    store = open_store(location)
    process = holding(location)
    try:
        for _ in range(2):
            with pytest.raises(BusyError), held(store, "campaign"):
                pass
    finally:
        process.kill()
        process.wait()


def test_nothing_is_left_behind(location, tmp_path):
    store = open_store(location)
    with held(store, "campaign"):
        pass
    assert store.read_lease("campaign") is None
    assert not list(tmp_path.rglob(".campaign*"))


class WrittenAtTheSameTime(ParquetStore):
    """A bucket in which another machine has written its record right after this one."""

    def lease_folder(self):
        return None

    def write_lease(self, name, record):
        super().write_lease(name, {**record, "host": "elsewhere"})


def test_of_two_that_begin_at_the_same_time_the_last_goes_on(tmp_path):
    open_store(str(tmp_path), create=True)
    store = WrittenAtTheSameTime(tmp_path)
    told = r"on elsewhere since .* or stop it; then"
    with pytest.raises(BusyError, match=told), held(store, "campaign"):
        pass
    assert open_store(str(tmp_path)).read_lease("campaign")["host"] == "elsewhere"


def test_an_old_record_means_nothing():
    now = datetime.now(UTC)
    for age, active in ((1, True), (50, True), (90, False), (-3600, False)):
        seen = (now - timedelta(seconds=age)).isoformat()
        assert Holder("elsewhere", 1, seen, seen).is_active == active
    assert not Holder("elsewhere", 1, "", "").is_active


@pytest.mark.parametrize("record", [{}, {"host": "h"}, {"host": "h", "pid": "x", "since": ""}])
def test_a_record_of_another_form_is_ignored(record):
    assert Holder.from_record(record) is None
