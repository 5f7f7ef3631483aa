"""The same campaign started twice at once is reported; a run that was killed never is."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from epicat.store.lease import Holder, held
from epicat.store.open import open_store
from support import s3

HOLD = """
import sys, time
from epicat.store.lease import held
from epicat.store.open import open_store
with held(open_store(sys.argv[1]), "campaign") as other:
    print("held" if other is None else "other", flush=True)
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
        with held(store, "campaign") as other:
            assert other is not None
            assert other.pid == process.pid
        with held(store, "another") as nobody:
            assert nobody is None
    finally:
        process.kill()
        process.wait()
    with held(store, "campaign") as other:
        assert other is None


def test_nothing_is_left_behind(location, tmp_path):
    store = open_store(location)
    with held(store, "campaign") as other:
        assert other is None
    assert store.read_lease("campaign") is None
    assert not list(tmp_path.rglob(".campaign*"))


def test_an_old_record_means_nothing():
    now = datetime.now(UTC)
    for age, active in ((1, True), (50, True), (90, False), (-3600, False)):
        seen = (now - timedelta(seconds=age)).isoformat()
        assert Holder("elsewhere", 1, seen, seen).is_active == active
    assert not Holder("elsewhere", 1, "", "").is_active


@pytest.mark.parametrize("record", [{}, {"host": "h"}, {"host": "h", "pid": "x", "since": ""}])
def test_a_record_of_another_form_is_ignored(record):
    assert Holder.from_record(record) is None
