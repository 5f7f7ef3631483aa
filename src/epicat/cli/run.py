"""``epicat run``: waveforms to a catalog, on this machine."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from epicat.campaign.options import CampaignOptions
from epicat.campaign.parse import Values, asked
from epicat.cli.campaign_args import takes
from epicat.cli.progress import do, say, warnings_as_talk

if TYPE_CHECKING:
    from epicat.campaign.campaign import Campaign

__all__ = ["Recheck", "make_catalog", "run"]

Recheck = Annotated[
    bool, typer.Option("--recheck", help="Look again at days whose objects may have changed.")
]


@takes(CampaignOptions)
def run(
    given: Values,
    recheck: Recheck = False,
    as_json: Annotated[bool, typer.Option("--json", help="Summary as JSON on stdout.")] = False,
) -> None:
    """Pick the stations inside EXTENT and associate the picks into events.

    Results go to the store as they are made.  Running the same command again does only what
    is missing; it goes on after Ctrl-C or a crash.  Whole UTC days are processed.
    """
    make_catalog(asked(CampaignOptions, given), recheck=recheck, as_json=as_json)


def make_catalog(
    options: CampaignOptions, *, recheck: bool = False, as_json: bool = False
) -> Campaign:
    """Do a campaign on this machine and show how far it is; leave with 1 if some of it failed."""
    from epicat.campaign.resolve import resolve
    from epicat.pick.openvino.bundle import check_precision
    from epicat.pipeline.runner import make_plan
    from epicat.store.mongo.address import is_mongo
    from epicat.store.open import find_store, open_store

    begin = time.monotonic()
    with warnings_as_talk():
        # What may be refused in a second comes before a model is compiled, which takes longer.
        check_precision(options.pick.precision)
        if is_mongo(options.store):
            find_store(options.store)
        campaign = resolve(options, say)
    if campaign.span != options.span:
        say("START and END are widened to whole UTC days")
    opened = open_store(options.store, create=True)
    plan = make_plan(campaign, options.partition, opened, recheck=recheck)
    say(f"run {campaign.run.digest}, associator {campaign.design.digest}")
    say(campaign.design.described())
    do(campaign, plan, opened, options.partition.workers, begin=begin, as_json=as_json)
    return campaign
