"""The status of submitted jobs: a table that fits 80 columns, and counts of station-days."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from epicat.campaign.campaign import Campaign
from epicat.campaign.options import Partition
from epicat.cli.job_status import Amount, jobs_table, show_jobs, started_s
from epicat.ledger import Stage
from epicat.pipeline.jobs.job_progress import JobProgress, LedgerCounts
from epicat.pipeline.jobs.submission_record import BaseRecord, Job, shared_fields
from epicat.pipeline.outcome import FinishedKey
from epicat.pipeline.plan import Unit
from epicat.pipeline.runner import write_records
from epicat.pipeline.worker import Worker
from epicat.store.base import ReadableStore
from epicat.store.open import open_readable, open_store
from epicat.store.parquet import ParquetStore
from support import s3
from support.tiny_network import settled, truths, write_network


def line(name: str, units: int, first: str, last: str, **counts: int) -> JobProgress:
    stage = Stage(name.partition("-")[0])
    job = Job(name=name, stage=stage, id=name, units=units, keys=units, first=first, last=last,
              seconds=1.0)  # fmt: skip
    return JobProgress(job, counts, None)


def test_a_small_campaign_has_its_days_and_counts() -> None:
    table = list(
        jobs_table(
            [
                line("pick-0000", 2, "2019.172", "2019.173", running=2),
                line("associate-0000", 1, "2019.365", "2020.001", submitted=1),
                line("pick-0001", 2, "2019.174", "2019.174", done=1, failed=1),
            ]
        )
    )
    assert [row.split() for row in table[1:4]] == [
        ["pick-0000", "2019.172-173", "0", "0", "2", "0", "0", "2"],
        ["pick-0001", "2019.174", "0", "0", "0", "1", "1", "2"],
        ["associate-0000", "2019.365-2020.001", "1", "0", "0", "0", "0", "1"],
    ]
    assert max(map(len, table)) <= 80


def test_millions_of_units_fit_as_well() -> None:
    lines = [
        line(f"pick-{at:04d}", 10_000, "2019.172", "2019.173", done=9_999, failed=1)
        for at in range(400)
    ]
    table = list(jobs_table([*lines, line("associate-0400", 1, "2019.172", "2019.173", done=1)]))
    assert "all pick 0 0 0 3999600 400 4000000" in [" ".join(row.split()) for row in table]
    assert max(map(len, table)) <= 80


class Killed(BaseException):
    """Stands for a kill: nothing of the worker runs any more."""


class Jobs:
    """A submission with one job of picking, which runs."""

    folder = ""

    def __init__(self, campaign: Campaign, unit: Unit) -> None:
        fields = shared_fields(campaign, Partition(), strict=False)
        job = Job(name="pick-0000", stage=Stage.PICK, id="1", units=1, keys=len(unit.keys),
                  first="2020.001", last="2020.002", seconds=60.0)  # fmt: skip
        self.record = BaseRecord(**{**fields, "jobs": (job,)})

    def progress(self) -> list[JobProgress]:
        return [JobProgress(self.record.jobs[0], {"running": 1}, None)]

    def open_store(self) -> ReadableStore:
        return open_readable(self.record.store)

    def used(self, lines: list[JobProgress], found: LedgerCounts | None) -> Amount:
        return Amount("core_hours", 0.0, "0 core-hours")


def shown(jobs: Jobs, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    show_jobs(jobs, interval=None, as_json=True)
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.fixture
def in_a_bucket(s3_server: s3.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.ACCESS)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.SECRET)
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server.endpoint)
    s3_server.make(s3.CATALOGS, {}, public=False)
    return s3.url_of(tmp_path)


@pytest.mark.parametrize("place", ["folder", "bucket"])
def test_status_counts_station_days_before_their_unit_is_done(
    place: str, tmp_path: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    location = str(tmp_path / "store")
    if place == "bucket":
        location = request.getfixturevalue("in_a_bucket")
    write_network(tmp_path, truths([-300, 300]))
    campaign = settled(tmp_path, Path("unused")).model_copy(update={"store": location})
    write_records(campaign, open_store(location, create=True))
    days = [f"{name}/2020.{day:03d}" for name in campaign.names[:3] for day in (1, 2)]
    unit = Unit(Stage.PICK, tuple(days))
    jobs = Jobs(campaign, unit)
    counts = []

    def look(finished: FinishedKey) -> None:
        counts.append(shown(jobs, capsys)["station_days"])
        if len(counts) == 4 and finished.key == days[3]:
            raise Killed

    with pytest.raises(Killed):
        Worker(campaign, on_key=look).work(unit)
    assert counts == [0, 1, 2, 3], "a key is kept right after it is reported"
    after = shown(jobs, capsys)
    assert after["station_days"] == counts[-1]
    assert after["seconds_left"] is not None, "by station-days, though no unit has ended"

    Worker(campaign).work(unit)
    assert shown(jobs, capsys)["station_days"] == len(days)
    left = [file.name for file in open_readable(location).files.found()]  # type: ignore[attr-defined]
    assert not [name for name in left if name.startswith("journal/")], "no object more at the end"


@pytest.mark.parametrize(("picking_began_s", "begin_s"), [(1_000, 1_000), (None, 900)])
def test_the_rate_is_since_the_submission_where_the_start_of_ended_jobs_is_forgotten(
    picking_began_s: int | None, begin_s: int
) -> None:
    pick = line("pick-0000", 1, "2020.001", "2020.001", done=1).job
    associate = line("associate-0000", 1, "2020.001", "2020.001", running=1).job
    waiting = line("associate-0001", 1, "2020.001", "2020.001", submitted=1)
    began_ms = picking_began_s and 1000 * picking_began_s
    lines = [
        JobProgress(pick, {"done": 1}, began_ms, 1_050_000),
        JobProgress(associate, {"running": 1}, 1_060_000),
        waiting,
    ]
    assert started_s(datetime.fromtimestamp(900, UTC), lines) == begin_s
    assert started_s(datetime.fromtimestamp(900, UTC), [waiting]) == 900


def test_what_a_commit_has_left_in_the_journal_is_not_counted_twice(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path / "store", create=True)
    journal = store.journal("run")
    for key in ("XX.A/2020.001", "XX.B/2020.001"):
        journal.keep(key, [])
    assert journal.count_pending([]) == 2
    assert journal.count_pending(["XX.A/2020.001", "XX.C/2020.001"]) == 1
