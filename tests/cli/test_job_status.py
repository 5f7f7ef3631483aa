"""The table of a campaign's jobs fits a terminal of 80 columns, however large the campaign is."""

from __future__ import annotations

from epicat.cli.job_status import jobs_table
from epicat.ledger import Stage
from epicat.pipeline.jobs.job_progress import JobProgress
from epicat.pipeline.jobs.submission_record import Job


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
