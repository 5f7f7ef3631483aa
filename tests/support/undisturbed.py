"""Campaigns that run undisturbed in one process: what all others are compared with."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from epicat.campaign.options import Partition
from epicat.pipeline.executors import Serial
from epicat.pipeline.outcome import Outcome
from epicat.pipeline.runner import Plan, make_plan, run
from epicat.store.parquet import ParquetStore
from epicat.testing.executor_contract import tables_of
from support.tiny_network import settled


class Silent:
    """Listens to a run and shows nothing."""

    def planned(self, plan: Plan) -> None:
        pass

    def finished(self, outcome: Outcome) -> None:
        pass


def undisturbed_tables(network: Path, store: Path) -> dict[str, pa.Table]:
    """Run the campaign of a tiny network into a new store, and return the store's tables."""
    made = ParquetStore(store, create=True)
    campaign = settled(network, store)
    plan = make_plan(campaign, Partition(), made, recheck=False)
    run(campaign, plan, made, lambda: Serial(campaign), Silent())
    return tables_of(made)
