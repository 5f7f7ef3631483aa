"""Pick station-days with epicat into a store; print the resources used as JSON."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from epicat.association.associate_options import AssociateOptions
from epicat.campaign.campaign import Campaign
from epicat.campaign.options import CampaignOptions, Partition
from epicat.campaign.resolve import resolve
from epicat.geo import Extent
from epicat.ledger import Stage
from epicat.pick.picker import PickOptions
from epicat.pipeline.plan import Unit
from epicat.pipeline.process_pool import Pool
from epicat.pipeline.runner import make_plan
from epicat.pipeline.worker import Worker
from epicat.store.open import open_store


def main(root: Path, model: str, processes: int, precision: str) -> None:
    """Pick each station of the archive, with single-threaded processes."""
    with tempfile.TemporaryDirectory() as store:
        campaign = _campaign(root, store, PickOptions(model=model, precision=precision))
        opened = open_store(store, create=True)
        plan = make_plan(campaign, Partition(), opened, recheck=False)
        days = [replace(unit, keys=(key,)) for unit in plan.picking for key in unit.keys]
        do = _in_turn if processes == 1 else _at_once
        ends, spent = do(campaign, days, processes)
        entries = list(opened.ledger(Stage.PICK))
    steady = (ends[-1] - ends[processes - 1]) / (len(days) - processes)
    picks = sum(entry.count for entry in entries) // len(entries)
    storing = 1 - sum(entry.seconds for entry in entries) / spent
    figures = {"days": len(days), "steady_s": steady, "picks": picks, "storing": storing}
    print(json.dumps(figures))


def _campaign(root: Path, store: str, pick: PickOptions) -> Campaign:
    options = CampaignOptions(
        start="2020.001",
        end="2020.002",
        extent=Extent.parse("39,41,-125,-123"),
        archive=str(root),
        layout="sds",
        stations=str(root / "stations.csv"),
        store=store,
        pick=pick,
        associate=AssociateOptions(),
    )
    return resolve(options)


def _in_turn(campaign: Campaign, days: list[Unit], _: int) -> tuple[list[float], float]:
    """Return the end time of each station-day, and the total seconds of all units."""
    worker = Worker(campaign)
    ends, spent = [], 0.0
    for day in days:
        spent += worker.work(day).seconds
        ends.append(time.monotonic())
    return ends, spent


def _at_once(campaign: Campaign, days: list[Unit], processes: int) -> tuple[list[float], float]:
    pool = Pool(campaign, processes)
    for day in days:
        pool.submit(day)
    ends, spent = [], 0.0
    for _ in days:
        outcome = pool.next_outcome()
        if outcome.failure:
            raise SystemExit(outcome.failure)
        spent += outcome.seconds
        ends.append(time.monotonic())
    pool.close(now=False)
    return ends, spent


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4])
