"""Fit a velocity model to the picks that a store has: ``epicat velocity fit``.

The sample, its order and the fit are those of ``run --velocity auto``, so that the file of the
model gives the same associator and the same events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from epicat.association.associate_options import AUTO_VELOCITY, AssociateOptions
from epicat.association.fit_model import FittedModel
from epicat.association.sites import SiteIndex
from epicat.campaign.campaign import Campaign
from epicat.campaign.options import AssociationOptions
from epicat.campaign.pick_run import PickRun
from epicat.campaign.resolve import resolve_association
from epicat.campaign.velocity import PickSample, check_layered, fit_velocity
from epicat.errors import InputError
from epicat.ledger import Stage
from epicat.model import Span, StationDay
from epicat.store.base import ReadableStore, Where
from epicat.time import DAY_NS, day_name, day_of

__all__ = ["MOST_DAYS", "SampleFit", "first_days", "fit_sample", "fit_stored_velocity"]

MOST_DAYS = 7
"""Days that a sample has at most."""


@dataclass(frozen=True, slots=True)
class SampleFit:
    """A model, and the picks that it was fitted to."""

    fitted: FittedModel
    """The model, with its vp/vs and its numbers of events and picks."""
    sample: str
    """The days of the picks."""
    run: str
    """Digest of their run."""

    @property
    def summary(self) -> str:
        """What the model rests on."""
        return (
            f"vp/vs {self.fitted.vp_vs:g}, from {self.fitted.picks:,} picks of "
            f"{self.fitted.events:,} events of {self.sample}"
        )

    def csv(self) -> str:
        """Return the file that ``--velocity FILE --velocity-layers constant`` reads."""
        model = self.fitted.model
        rows = zip(model.depth_km, model.vp, model.vs, strict=True)
        return (
            f"# {self.summary}, run {self.run}\n"
            "# tops of uniform layers: --velocity-layers constant\n"
            "depth_km,vp,vs\n" + "".join(f"{d!r},{vp!r},{vs!r}\n" for d, vp, vs in rows)
        )


def fit_stored_velocity(
    options: AssociationOptions, store: ReadableStore, report: Callable[[str], None]
) -> SampleFit:
    """Return the model of the first picked days of a campaign, as many as it takes, up to seven.

    The fit begins with the model of the options, by default that of the region, as for ``auto``.
    Raises `InputError` if the picks have too few events, for constant velocities, or if the store
    lacks stations or picks.
    """
    given = options.associate
    check_layered(given)
    if given.velocity == AUTO_VELOCITY:
        given = given.model_copy(update={"velocity": None})
    begin = options.model_copy(update={"associate": given})
    campaign = resolve_association(begin, store, report, compare=False)
    keys = {
        StationDay.parse(e.key): e.n_rows for e in store.ledger(Stage.PICK, campaign.run.digest)
    }
    have_picks = {key.day for key, n_rows in keys.items() if n_rows}
    sample = ""
    for part in first_days(campaign):
        day = day_of(part.span.end_ns - 1)
        if day not in have_picks:
            continue
        _report_missing(part, set(keys), report)
        sample = _days(part.span)
        if (fit := fit_sample(part, given, store, report)) is not None:
            return fit
    raise InputError(_too_few(sample, campaign.span))


def first_days(campaign: Campaign) -> Iterator[Campaign]:
    """Yield the first day of a campaign, the first two, and so on up to `MOST_DAYS`."""
    start = campaign.span.start_ns
    last = min(campaign.span.end_ns, start + MOST_DAYS * DAY_NS)
    for end in range(start + DAY_NS, last + 1, DAY_NS):
        yield campaign.model_copy(update={"span": Span(start, end)})


def fit_sample(
    part: Campaign,
    associate: AssociateOptions,
    store: ReadableStore,
    report: Callable[[str], None],
) -> SampleFit | None:
    """Return a model fitted to the stored picks of a campaign; None if they have too few events."""

    def read(count: int) -> pa.Table:
        rows = store.read("picks", Where(design=part.run.digest, span=part.span))
        return rows.sort_by([("time", "ascending"), ("pick_id", "ascending")]).slice(0, count)

    sample = PickSample(_days(part.span), read)
    index = SiteIndex.from_stations(part.stations, part.design.plane, part.site_radius_m)
    fitted = fit_velocity(associate, part.extent, index, sample, report)
    return None if fitted is None else SampleFit(fitted, sample.name, part.run.digest)


def _days(span: Span) -> str:
    first, last = (day_name(day_of(ns)) for ns in (span.start_ns, span.end_ns - 1))
    return first if first == last else f"{first} to {last}"


def _report_missing(part: Campaign, picked: set[StationDay], report: Callable[[str], None]) -> None:
    """Report that the last day of a sample is not picked at some stations.

    Imported picks are not checked: a station-day without picks has no entry then.
    """
    if not isinstance(part.run, PickRun):
        return
    day: date = day_of(part.span.end_ns - 1)
    keys = [key for key in (StationDay(n, day) for n in part.names) if part.operates(key)]
    if missing := sum(key not in picked for key in keys):
        report(
            f"warning: {missing} of {len(keys)} stations are not picked on {day_name(day)} yet; "
            "with their picks the model may be another one"
        )


def _too_few(sample: str, span: Span) -> str:
    most = day_name(day_of(min(span.end_ns, span.start_ns + MOST_DAYS * DAY_NS) - 1))
    what = (
        f"the picks of {sample} have too few events"
        if sample
        else f"there are no picks up to {most}"
    )
    return (
        f"{what} to fit a velocity model: it needs ten events with eight picks each within "
        f"{MOST_DAYS} days from START; pick more days (`epicat run` with a later END), begin at "
        "days with more earthquakes, or give the name or the file of a model with --velocity"
    )
