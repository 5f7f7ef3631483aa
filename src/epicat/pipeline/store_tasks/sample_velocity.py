"""Fit the velocity model of a campaign to picks that are made for it: ``run --velocity auto``.

Picks do not exist when a campaign is resolved.  So the first day of the campaign is picked first,
or some more if it has too few earthquakes, and the model is recorded in the store.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial

import pyarrow as pa

from epicat.association.associate_options import AssociateOptions
from epicat.association.sites import SiteIndex
from epicat.campaign.campaign import Campaign
from epicat.campaign.fitted_velocity import FittedVelocity
from epicat.campaign.options import Partition
from epicat.campaign.velocity import PickSample, fit_velocity
from epicat.errors import InputError
from epicat.model import Span
from epicat.pipeline.executors import Executor
from epicat.pipeline.runner import Listener, Plan, make_plan, run
from epicat.store.base import Store, Where
from epicat.time import DAY_NS, day_name, day_of

__all__ = ["MOST_DAYS", "sample_velocity"]

MOST_DAYS = 7
"""Days that are picked at most before there is a model."""


def sample_velocity(
    campaign: Campaign,
    settings: tuple[AssociateOptions, Partition],
    store: Store,
    make_executor: Callable[[Campaign], Executor],
    listen: Callable[[Plan], AbstractContextManager[Listener]],
    report: Callable[[str], None],
) -> FittedVelocity:
    """Return the model of a campaign that was resolved with the model to begin with.

    It is that of the store if there is one, else it is fitted to the picks of the first days and
    recorded.  Raises `InputError` if the picks of `MOST_DAYS` have too few events.
    """
    found = FittedVelocity.find(store, campaign.design)
    if found is not None:
        report(f"velocity auto: the model of this store, fitted to picks of {found.sample}")
        return found
    start, end = campaign.span.start_ns, campaign.span.end_ns
    last = min(end, start + MOST_DAYS * DAY_NS)
    for day_end in range(start + DAY_NS, last + 1, DAY_NS):
        part = campaign.model_copy(update={"span": Span(start, day_end)})
        plan = replace(make_plan(part, settings[1], store, recheck=False), associating=())
        with listen(plan) as listener:
            run(part, plan, store, partial(make_executor, part), listener)
        sample = _sample(store, part)
        index = SiteIndex.from_stations(
            campaign.stations, campaign.design.plane, campaign.site_radius_m
        )
        model = fit_velocity(settings[0], campaign.extent, index, sample, report)
        if model is not None:
            fitted = FittedVelocity.from_model(model, sample.name)
            return fitted.keep(store, campaign.design)
    raise InputError(
        f"velocity auto: the picks of {day_name(day_of(start))} to "
        f"{day_name(day_of(last - DAY_NS))} have too few events to fit a model; give the name or "
        "the file of one with --velocity (`epicat velocity list`)"
    )


def _sample(store: Store, campaign: Campaign) -> PickSample:
    """Return the picks of the span of a campaign as a sample, in the order of time."""
    first, last = (
        day_name(day_of(ns)) for ns in (campaign.span.start_ns, campaign.span.end_ns - 1)
    )
    name = first if first == last else f"{first} to {last}"

    def read(count: int) -> pa.Table:
        rows = store.read("picks", Where(design=campaign.run.digest, span=campaign.span))
        return rows.sort_by([("time", "ascending"), ("pick_id", "ascending")]).slice(0, count)

    return PickSample(name, read)
