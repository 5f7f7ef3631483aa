from __future__ import annotations

from datetime import UTC, datetime

import pytest

from epicat.aws.actual_cost import spent_on
from epicat.aws.prices import Shape
from epicat.aws.progress import dollars_so_far, job_progress
from epicat.aws.submission_record import SubmissionRecord
from epicat.campaign.options import Partition
from epicat.ledger import BlockEntry, LocateEntry, Stage, StationDayEntry, Status
from epicat.pipeline.jobs.job_progress import count_entries, share_done
from epicat.pipeline.jobs.submission_record import Job

PICK = Job(name="pick-0000", stage=Stage.PICK, id="p", units=4, keys=8, first="2020.001",
           last="2020.002", seconds=300)  # fmt: skip
ASSOCIATE = PICK.model_copy(
    update={"name": "associate-0000", "stage": Stage.ASSOCIATE, "id": "a", "units": 1, "keys": 8}
)
HANDED = SubmissionRecord(
    name="20200101T000000Z-00000000", stack="epicat-x", time=datetime(2020, 1, 1, tzinfo=UTC),
    store="s3://b/store", run="r", associator="d", stations=4,
    partition=Partition(), capacity="on-demand",
    architecture="X86_64", has_address=True, pick=Shape(vcpu=1, memory_mib=4096),
    associate=Shape(vcpu=2, memory_mib=8192), jobs=(PICK, ASSOCIATE),
)  # fmt: skip


class Describing:
    """AWS's client as far as it describes jobs."""

    region = "us-west-2"

    def __init__(self, *jobs):
        self._jobs = {job["jobId"]: job for job in jobs}

    def client(self, service):
        return self

    def describe_jobs(self, jobs):
        assert len(jobs) <= 100
        return {"jobs": [self._jobs[name] for name in jobs if name in self._jobs]}


def array(status, **counts):
    return {"jobId": "p", "status": status, "arrayProperties": {"statusSummary": counts}}


@pytest.mark.parametrize(
    ("told", "counts", "is_over"),
    [
        (array("SUBMITTED"), {"submitted": 4}, False),
        (array("PENDING", RUNNABLE=1, STARTING=1, RUNNING=1, SUCCEEDED=1),
         {"runnable": 1, "running": 2, "done": 1}, False),
        (array("FAILED", SUCCEEDED=3, FAILED=1), {"done": 3, "failed": 1}, True),
        (array("FAILED"), {"failed": 4}, True),
        ({"jobId": "other"}, {}, True),
    ],
)  # fmt: skip
def test_units_are_counted_by_what_batch_says(told, counts, is_over):
    waiting = {"jobId": "a", "status": "PENDING"}
    first, second = job_progress(Describing(told, waiting), HANDED)
    assert (first.counts, first.is_over) == (counts, is_over)
    assert (second.counts, second.is_over) == ({"submitted": 1}, False)


def test_money_and_share():
    lines = job_progress(
        Describing(array("PENDING", SUCCEEDED=2, RUNNABLE=2), {"jobId": "a", "status": "PENDING"}),
        HANDED,
    )
    assert share_done(lines) == 0.25
    entry = StationDayEntry("r", "XX.ST00/2020.001", Status.DONE, "g", 10, seconds=30.0)
    old = StationDayEntry("r", "XX.ST01/2020.001", Status.FAILED, "g", 1)
    found = count_entries([entry, old], [], since_ns=5)
    assert (found.station_days, found.failed, found.pick_s) == (1, 0, 30.0)
    second = (0.04048 + 4 * 0.004445 + 0.005) / 3600
    assert dollars_so_far(HANDED, lines, found) == pytest.approx((30 + 2 * 60) * second)
    assert dollars_so_far(HANDED, lines, None) == pytest.approx(150 * second)


def test_locations_and_amplitudes_are_part_of_their_jobs():
    def entry(kind, key, at):
        return kind("r", key, Status.DONE, "g", at, seconds=1.0)

    picks = [entry(StationDayEntry, "XX.ST00/2020.001", 9)]
    blocks = [entry(BlockEntry, "2020-01-01T00:00:00.000000Z", 9)]
    located = [entry(LocateEntry, "2020-01-01T00:00:00.000000Z", at) for at in (1, 9)]
    found = count_entries(picks, blocks, since_ns=5, measured=picks, located=located)
    assert (found.pick_s, found.associate_s, found.blocks) == (2.0, 2.0, 1)


def test_all_attempts_count_and_forgotten_jobs_are_told():
    children = [
        {"jobId": "p:0", "status": "SUCCEEDED", "startedAt": 5000, "stoppedAt": 9000,
         "attempts": [{"startedAt": 1000, "stoppedAt": 2000}, {"stoppedAt": 3000},
                      {"stoppedAt": 3000, "container": {"reason": "CannotPullContainerError: x"}},
                      {"startedAt": 5000, "stoppedAt": 95000}]},
        {"jobId": "p:1", "status": "RUNNABLE"},
        {"jobId": "p:3", "status": "FAILED", "attempts": [{"startedAt": 0, "stoppedAt": 500}]},
    ]  # fmt: skip
    picking, associating = spent_on(Describing(*children), HANDED)
    assert (picking.jobs, picking.forgotten, picking.attempts) == (4, 1, 3)
    # A minute for each of two short ones, and 90 s with the pull of the image
    assert (picking.seconds, picking.estimated_s) == (2 * 60 + 90 + 30, 300)
    assert (associating.jobs, associating.forgotten) == (1, 1)
