"""Fit the velocity model of a campaign to picks that are made for it: ``run --velocity auto``.

Picks do not exist when a campaign is resolved.  So the first day of the campaign is picked first,
or some more if it has too few earthquakes, and the model is recorded in the store.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial

from epicat.association.associate_options import AssociateOptions
from epicat.campaign.campaign import Campaign
from epicat.campaign.fitted_velocity import FittedVelocity
from epicat.campaign.options import Partition
from epicat.campaign.velocity import check_layered
from epicat.errors import InputError
from epicat.pipeline.executors import Executor
from epicat.pipeline.runner import Listener, Plan, make_plan, run
from epicat.pipeline.store_tasks.fit_velocity import first_days, fit_sample
from epicat.store.base import Store
from epicat.time import day_name, day_of

__all__ = ["sample_velocity"]


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
    recorded.  Raises `InputError` if the picks of the first seven days have too few events.
    """
    check_layered(settings[0])
    found = FittedVelocity.find(store, campaign.design)
    if found is not None:
        report(f"velocity auto: the model of this store, fitted to picks of {found.sample}")
        return found
    for part in first_days(campaign):
        plan = replace(make_plan(part, settings[1], store, recheck=False), associating=())
        with listen(plan) as listener:
            run(part, plan, store, partial(make_executor, part), listener)
        fit = fit_sample(part, settings[0], store, report)
        if fit is not None:
            fitted = FittedVelocity.from_model(fit.fitted.model, fit.sample)
            return fitted.keep(store, campaign.design)
    raise InputError(
        f"velocity auto: the picks of {day_name(day_of(part.span.start_ns))} to "
        f"{day_name(day_of(part.span.end_ns - 1))} have too few events to fit a model; give the "
        "name or the file of one with --velocity (`epicat velocity list`)"
    )
