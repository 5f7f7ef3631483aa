"""Campaigns that run undisturbed in one process: what all others are compared with."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from epicat.campaign.campaign import Campaign
from epicat.campaign.options import Partition
from epicat.pipeline.executors import Serial
from epicat.pipeline.outcome import Outcome
from epicat.pipeline.runner import Plan, Summary, make_plan, run
from epicat.store.base import Store
from epicat.store.parquet import ParquetStore
from epicat.testing.executor_contract import tables_of
from support.tiny_network import settled


class Silent:
    """Listens to a run and shows nothing."""

    def planned(self, plan: Plan) -> None:
        pass

    def finished(self, outcome: Outcome) -> None:
        pass


def run_undisturbed(campaign: Campaign, store: Store, *, recheck: bool = False) -> Summary:
    """Do what is due of a campaign, in this process."""
    plan = make_plan(campaign, Partition(), store, recheck=recheck)
    return run(campaign, plan, store, lambda: Serial(campaign), Silent())


def undisturbed_tables(network: Path, store: Path) -> dict[str, pa.Table]:
    """Run the campaign of a tiny network into a new store, and return the store's tables."""
    run_undisturbed(settled(network, store), ParquetStore(store, create=True))
    return tables_at(store)


def tables_at(location: Path | str) -> dict[str, pa.Table]:
    """Return the tables of the store in a folder."""
    return tables_of(ParquetStore(Path(location)))
