"""Run a campaign on this machine, from the plan to its catalog."""

from __future__ import annotations

import warnings

from epicat._util.processes import usable_cores
from epicat.campaign.campaign import Campaign
from epicat.campaign.options import Partition
from epicat.catalog.catalog import Catalog
from epicat.catalog.selection import select_results
from epicat.pipeline.outcome import Outcome
from epicat.pipeline.process_pool import Pool
from epicat.pipeline.runner import Listener, Plan, Summary, make_plan, run
from epicat.pipeline.stream import StreamedPlan
from epicat.store.base import Store
from epicat.store.lease import held
from epicat.store.open import open_store

__all__ = ["run_locally", "run_plan"]


def run_locally(
    campaign: Campaign,
    *,
    workers: int | None = None,
    partition: Partition | None = None,
    listener: Listener | None = None,
    recheck: bool = False,
) -> Catalog:
    """Do what is due, with a pool of processes; see `epicat.run`."""
    store = open_store(campaign.store, create=True)
    with held(store, campaign.identity) as other:
        if other is not None:
            warnings.warn(f"this campaign is already being run by {other}", stacklevel=3)
        plan = make_plan(campaign, partition or Partition(), store, recheck=recheck)
        summary = run_plan(campaign, plan, store, listener or _Silent(), workers=workers)
    if summary.has_failures:
        failed = summary.failures[:1] or ["station-days or blocks failed"]
        warnings.warn(
            f"some of the work failed, such as: {failed[0]}. Catalog.ledger() has all reasons; "
            "running again retries it",
            stacklevel=3,
        )
    return Catalog(store, select_results(store, campaign.design.digest))


def run_plan(
    campaign: Campaign,
    plan: Plan,
    store: Store,
    listener: Listener,
    *,
    workers: int | None = None,
    pool: Pool | None = None,
) -> Summary:
    """Do what a plan says, with a pool of processes: the given one, or one that is started.

    ``pool`` has been assigned the campaign; ``workers`` is by default one for each core.
    """
    processes = workers or usable_cores()
    return run(campaign, plan, store, lambda: pool or Pool(campaign, processes), listener)


class _Silent:
    """A listener that ignores everything."""

    def planned(self, plan: Plan | StreamedPlan) -> None:
        del plan

    def finished(self, outcome: Outcome) -> None:
        del outcome
