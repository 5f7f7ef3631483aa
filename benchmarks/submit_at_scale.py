"""``python -m benchmarks.submit_at_scale``: plan and submit the largest campaign to a mock.

50,000 stations on 1,040 days are 52 million station-days.  The stations are synthetic, AWS is
replaced by a counter, and the folder of the submission is local; everything else is what `epicat
submit` does after reading the stations.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from epicat.association.associate_options import AssociateOptions
from epicat.aws.prices import Shape
from epicat.aws.stack import Stack
from epicat.aws.submission_record import SubmissionRecord
from epicat.aws.submit import BatchTarget
from epicat.aws.template import DEFAULTS
from epicat.campaign.campaign import Campaign
from epicat.campaign.options import Partition
from epicat.campaign.pick_run import PickRun
from epicat.campaign.resolve import resolve_design
from epicat.geo import Extent
from epicat.ledger import Stage
from epicat.model import Span, Station
from epicat.pick.builtin import builtin_bundle
from epicat.pick.pick_options import PickOptions
from epicat.pipeline.estimate import with_unit_sizes
from epicat.pipeline.jobs.job_arrays import MOST_JOBS, JobArray, plan_job_arrays
from epicat.pipeline.jobs.submission import Submission
from epicat.pipeline.jobs.target import submit_arrays
from epicat.pipeline.ledger_view import LedgerView
from epicat.time import DAY_NS, day_start

_STATIONS, _DAYS = 50_000, 1_040
_EXTENT = "20,60,-130,-65"


class CountedAws:
    """Accepts and counts submissions, and returns job names."""

    region = "us-west-2"

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.most_needs = 0

    def client(self, service: str, *, retries: bool = True) -> CountedAws:
        del retries
        assert service == "batch"
        return self

    def submit_job(self, **request: Any) -> dict[str, str]:
        self.calls["SubmitJob"] += 1
        self.most_needs = max(self.most_needs, len(request["dependsOn"]))
        return {"jobId": f"{self.calls['SubmitJob']:08d}-0000-0000-0000-000000000000"}


def main(stations: int = _STATIONS, days: int = _DAYS) -> None:
    begin = time.process_time()
    campaign = campaign_of(stations, days)
    resolved = time.process_time()
    aws, stack = CountedAws(), stack_of()
    processes = {
        stage: Shape.from_stack(stack, name).processes
        for stage, name in ((Stage.PICK, "Pick"), (Stage.ASSOCIATE, "Associate"))
    }
    cut = with_unit_sizes(Partition(), (), campaign, processes, MOST_JOBS)
    planned: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        submission = Submission(f"{folder}/submission")
        submission.write_campaign(campaign)
        record = SubmissionRecord.from_plan(stack, campaign, cut, strict=False)
        arrays = _counted(plan_job_arrays(campaign, cut, LedgerView({}, {})), planned)
        target = BatchTarget(aws, stack)  # type: ignore[arg-type]
        submit_arrays(target, submission, arrays, record)
        done = time.process_time()
        files = [path for path in Path(folder).rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{planned['station-days']:,} station-days and {planned['blocks']:,} blocks in "
        f"{planned['units']:,} jobs, {cut.stations_per_unit} stations or {cut.blocks_per_unit} "
        f"blocks a unit\n"
        f"{resolved - begin:.1f} s to resolve, {done - resolved:.1f} s of CPU to plan and submit, "
        f"{peak:,.0f} MB at most\n"
        f"{sum(aws.calls.values()):,} calls of AWS Batch, none with more than {aws.most_needs} "
        f"dependencies; {len(files):,} objects of {size / 1e6:,.1f} MB"
    )


def _counted(arrays: Iterator[JobArray], planned: Counter[str]) -> Iterator[JobArray]:
    for array in arrays:
        planned["units"] += len(array.units)
        kind = "station-days" if array.stage == Stage.PICK else "blocks"
        planned[kind] += sum(len(unit.keys) for unit in array.units)
        yield array


def campaign_of(count: int, days: int) -> Campaign:
    extent = Extent.parse(_EXTENT)
    random = np.random.default_rng(1)
    latitude = random.uniform(extent.south, extent.north, count).tolist()
    longitude = random.uniform(extent.west, extent.east, count).tolist()
    rows = [
        Station("XX", f"S{at:05d}", "00", ("HHZ",), lat, lon, 100.0, f"XX.S{at:05d}")
        for at, (lat, lon) in enumerate(zip(latitude, longitude, strict=True))
    ]
    start = day_start(date(2020, 1, 1))
    bundle = builtin_bundle()
    run = PickRun.from_options(bundle.info, PickOptions(model="epicat-mini"))
    return Campaign(
        span=Span(start, start + days * DAY_NS),
        extent=extent,
        archive="s3://waveforms",
        layout="sds",
        store="s3://epicat-campaign-123456789012-us-west-2/store",
        bundle=bundle.folder,
        run=run,
        design=resolve_design(AssociateOptions(), run.digest, extent, rows),
        stations=tuple(rows),
        site_radius_m=100.0,
    )


def stack_of() -> Stack:
    outputs = {
        "Place": "s3://epicat-campaign-123456789012-us-west-2/",
        "Queue": "arn:aws:batch:us-west-2:123456789012:job-queue/epicat-campaign-spot",
        "PickJob": "arn:aws:batch:us-west-2:123456789012:job-definition/epicat-campaign-pick:1",
        "AssociateJob": "arn:aws:batch:us-west-2:123456789012:job-definition/associate:1",
    }
    return Stack("epicat-campaign", "", "CREATE_COMPLETE", "", dict(DEFAULTS), outputs)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
