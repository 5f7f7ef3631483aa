"""``python -m benchmarks.scale``: how long the largest campaign takes and what it costs, simulated.

The stations are those of many regions, each a submission of its own, since an earthquake is not
located across a continent.  The plan is epicat's own.  What is simulated is AWS: jobs that wait
for room under a quota of vCPUs and for their turn to start, are billed while their image is
fetched, and are interrupted on Spot and begun again from nothing.  What was assumed is printed
with the result.
"""

from __future__ import annotations

import argparse
import heapq
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.submit_at_scale import campaign_of, stack_of
from epicat.aws.estimate import ASSOCIATING_S, stations_per_unit
from epicat.aws.prices import PRICED_IN, Prices, Shape
from epicat.campaign.options import Partition
from epicat.ledger import Stage
from epicat.pipeline.jobs.job_arrays import JobArray, plan_job_arrays
from epicat.pipeline.ledger_view import LedgerView

QUOTAS = (256, 4_000, 12_000)
"""vCPUs of Fargate that may be in use at once."""


@dataclass(frozen=True, slots=True)
class Assumed:
    """Assumptions about a campaign."""

    picking_s: float
    """vCPU-seconds for a station-day."""
    associating_s: float = ASSOCIATING_S
    """vCPU-seconds for a station-day in the reach of a window's blocks."""
    starting_s: float = 61.0
    """Seconds from where a job is billed until it works."""
    spread: float = 0.3
    """Standard deviation of the logarithm of a unit's time."""
    interruptions: float = 0.05
    """Of a job on Spot, a running hour: an assumption, AWS publishes none for Fargate."""
    starts_a_second: float = 20.0
    """Tasks that may be started (AWS Fargate, "Service quotas": 20 sustained)."""
    picks: float = 83.0
    """Picks of a station-day: 4.3 billion of 52 million in the campaign of 2025."""
    pick_bytes: float = 31.0
    """In the store, compacted (docs/howto/store.md)."""
    ledger_bytes: float = 25.0
    """In the store, for a station-day."""


@dataclass(frozen=True, slots=True)
class Job:
    """A planned job."""

    seconds: float
    """How long it works when nothing interrupts it."""
    window: int
    """Position of its array among those of its stage."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Jobs of both stages, and the dependencies of association jobs."""

    picking: Sequence[Job]
    associating: Sequence[Job]
    needs: Sequence[tuple[int, ...]]
    """By job of association: positions of arrays of picking."""
    station_days: int
    arrays: int

    def repeated(self, regions: int) -> Plan:
        """Return the plan of several regions like this one, submitted one after the other."""
        size = 1 + max(job.window for job in self.picking)
        shifts = [region * size for region in range(regions)]
        return Plan(
            [Job(job.seconds, job.window + by) for by in shifts for job in self.picking],
            [job for _ in shifts for job in self.associating],
            [tuple(at + by for at in needs) for by in shifts for needs in self.needs],
            self.station_days * regions,
            self.arrays * regions,
        )


@dataclass(frozen=True, slots=True)
class Result:
    """Result of a simulated campaign."""

    seconds: float
    """From the first job's submission to the last one's end."""
    billed_s: float
    """Seconds of jobs, together."""
    interrupted: int
    """Attempts that were."""
    attempts: int
    """Jobs that were started, those included."""


def plan_of(stations: int, days: int, shape: Shape, assumed: Assumed) -> Plan:
    """Plan a campaign as `epicat submit` does, one array in memory at a time."""
    campaign = campaign_of(stations, days)
    cut = Partition(stations_per_unit=stations_per_unit(stations, Partition().window_days, shape))
    random = np.random.default_rng(1)
    picking: list[Job] = []
    associating: list[Job] = []
    needs: list[tuple[int, ...]] = []
    position: dict[str, int] = {}
    station_days = 0
    for array in plan_job_arrays(campaign, cut, LedgerView({}, {})):
        if array.stage == Stage.PICK:
            position[array.name] = len(position)
            station_days += sum(len(unit.keys) for unit in array.units)
        else:
            needs.append(tuple(position[name] for name in array.needs))
        into = picking if array.stage == Stage.PICK else associating
        into += _jobs(array, stations, shape, assumed, random, len(position) - 1)
    return Plan(picking, associating, needs, station_days, len(position) + len(associating))


def _jobs(
    array: JobArray,
    stations: int,
    shape: Shape,
    assumed: Assumed,
    random: np.random.Generator,
    window: int,
) -> Iterator[Job]:
    factors = random.lognormal(-(assumed.spread**2) / 2, assumed.spread, len(array.units))
    for unit, factor in zip(array.units, factors.tolist(), strict=True):
        if array.stage == Stage.PICK:
            work = assumed.picking_s * len(unit.keys)
        else:
            days = sum(1 for _ in unit.needs.days()) if unit.needs else 0
            work = assumed.associating_s * stations * days
        yield Job(work * factor / shape.processes, window)


def simulate(plan: Plan, slots: int, assumed: Assumed, *, spot: bool) -> Result:
    """Simulate a plan with a limit on concurrent jobs."""
    random = np.random.default_rng(2)
    free = [0.0] * slots
    left = np.bincount([job.window for job in plan.picking])
    ends = np.zeros(len(left))
    picking, waiting = deque(plan.picking), deque(zip(plan.associating, plan.needs, strict=True))
    ready: list[tuple[float, int, Job]] = []
    rate = assumed.interruptions / 3600 if spot else 0.0
    billed = finish = next_start = 0.0
    interrupted = attempts = 0
    while picking or waiting or ready:
        while waiting and not any(left[array] for array in waiting[0][1]):
            job, needs = waiting.popleft()
            heapq.heappush(ready, (max(ends[list(needs)], default=0.0), len(waiting), job))
        now = max(heapq.heappop(free), next_start)
        if ready and (ready[0][0] <= now or not picking):
            since, _, job = heapq.heappop(ready)
            now, is_picking = max(now, since), False
        else:
            job, is_picking = picking.popleft(), True
        next_start = now + 1 / assumed.starts_a_second
        whole = assumed.starting_s + job.seconds
        until = random.exponential(1 / rate) if rate else np.inf
        attempts += 1
        spent = min(whole, until)
        billed += spent
        heapq.heappush(free, now + spent)
        if until < whole:
            interrupted += 1
            if is_picking:
                picking.appendleft(job)
            else:
                heapq.heappush(ready, (now + spent, -1, job))
            continue
        finish = max(finish, now + spent)
        if is_picking:
            left[job.window] -= 1
            ends[job.window] = max(ends[job.window], now + spent)
    return Result(finish, billed, interrupted, attempts)


def main() -> None:
    asked = _arguments()
    stack = stack_of()
    shape = Shape.from_stack(stack, "Pick")
    assumed = Assumed(picking_s=asked.picking_s)
    region = plan_of(asked.stations // asked.regions, asked.days, shape, assumed)
    plan = region.repeated(asked.regions)
    print(f"{asked.regions:,} regions of {asked.stations // asked.regions:,} stations, "
          f"{asked.days:,} days. {_told(plan, shape, assumed)}")  # fmt: skip
    print(_table(plan, shape, assumed))


def _told(plan: Plan, shape: Shape, assumed: Assumed) -> str:
    units = len(plan.picking)
    gigabytes = plan.station_days * (
        assumed.picks * assumed.pick_bytes + assumed.ledger_bytes
    ) / 1e9  # fmt: skip
    return (
        f"{plan.station_days:,} station-days: {units:,} jobs of picking and "
        f"{len(plan.associating):,} of association, {plan.arrays:,} calls of SubmitJob, jobs of "
        f"{shape.vcpu:g} vCPU and {shape.memory_mib / 1024:g} GiB. Assumed: "
        f"{assumed.picking_s:g} vCPU-seconds a station-day for picking and "
        f"{assumed.associating_s:g} for association, {assumed.starting_s:g} s to start, "
        f"{assumed.starts_a_second:g} starts a second, {assumed.interruptions:.0%} of Spot's jobs "
        f"interrupted an hour, prices of {PRICED_IN}, {assumed.picks:g} picks a station-day. "
        f"Reads {3 * plan.station_days:,} objects; writes "
        f"{3 * units + 4 * len(plan.associating):,}; {gigabytes:,.0f} GB in the store when it is "
        "compacted.\n"
    )


def _table(plan: Plan, shape: Shape, assumed: Assumed) -> str:
    lines = [
        "| vCPUs | | days | jobs started | interrupted | dollars | dollars a station-year |",
        "|---:|---|---:|---:|---:|---:|---:|",
    ]
    years = plan.station_days / 365.25
    for quota in QUOTAS:
        for capacity in ("spot", "on-demand"):
            found = simulate(plan, int(quota / shape.vcpu), assumed, spot=capacity == "spot")
            prices = Prices.from_architecture("X86_64", capacity, has_address=True)
            dollars = prices.compute(shape, found.billed_s) + prices.addresses(found.billed_s)
            lines.append(
                f"| {quota:,} | {capacity} | {found.seconds / 86_400:.1f} | {found.attempts:,} "
                f"| {found.interrupted:,} | {dollars:,.0f} | {dollars / years:.3f} |"
            )
    return "\n".join(lines)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--stations", type=int, default=50_000)
    parser.add_argument("--regions", type=int, default=100)
    parser.add_argument("--days", type=int, default=1_040)
    parser.add_argument(
        "--picking-s", type=float, required=True, metavar="S",
        help="vCPU-seconds a station-day, as `make bench` measures them",
    )  # fmt: skip
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
