"""Choose the velocity model of a campaign, and compare it with a sample of the picks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from epicat._util.files import cache_folder
from epicat.association.associate_options import AUTO_VELOCITY, AssociateOptions
from epicat.association.associator import Associator, site_picks
from epicat.association.candidates import Candidate, Needs, exclusive
from epicat.association.design import Design, make_design
from epicat.association.fit_model import FittedModel, fit_model
from epicat.association.network import Network
from epicat.association.sites import SiteIndex
from epicat.association.wadati import Wadati, model_ratio, wadati
from epicat.errors import InputError
from epicat.geo import Extent
from epicat.velocity.builtin import is_model_name, named_model, regional_model
from epicat.velocity.checks import doubts
from epicat.velocity.layers import LayerModel, read_layers

__all__ = [
    "PickSample",
    "Velocity",
    "check_layered",
    "choose_velocity",
    "fit_velocity",
    "fitted_velocity",
]

_CHECKED, _FITTED = 2_000, 10_000
"""Picks of the sample that vp/vs is estimated from, and that a model is fitted to."""
_FAR_OFF = 0.05
"""Difference of vp/vs from which a model is called far off, if it is three standard errors, too."""


@dataclass(frozen=True, slots=True)
class PickSample:
    """Picks of a run that exist already: the first ones of the day with the most."""

    name: str
    """The day."""
    read: Callable[[int], pa.Table]
    """Returns so many of the day's first rows of ``picks``, or a few more; all if it has fewer."""


@dataclass(frozen=True, slots=True)
class Velocity:
    """The velocity model of a design."""

    layers: LayerModel | None
    """The layered model; None for the constant velocities of the options."""
    name: str
    """What it is called."""


@dataclass(frozen=True, slots=True)
class _FirstPass:
    """Events of the sample, with the model that was chosen."""

    design: Design
    events: Sequence[Candidate]
    picks: int


def choose_velocity(
    associate: AssociateOptions,
    extent: Extent,
    index: SiteIndex,
    sample: PickSample | None,
    report: Callable[[str], None],
) -> Velocity:
    """Return the velocity model that the options name, by default that of the region.

    With a ``sample`` of the picks, vp/vs of picks and model are compared and reported, and
    ``auto`` fits a model to it.  Raises `InputError` for ``auto`` without a sample.
    """
    chosen = _named(associate, extent)
    is_auto = associate.velocity == AUTO_VELOCITY
    if chosen.layers is not None:
        for doubt in doubts(chosen.layers):
            report(f"warning: velocity model {chosen.name}: {doubt}")
    if sample is None:
        if is_auto:
            raise InputError("velocity: auto fits a model to picks, and there are none")
        return chosen
    if is_auto:
        fitted = fit_velocity(associate, extent, index, sample, report)
        if fitted is None:
            report(f"warning: velocity auto: {chosen.name} is used")
        return chosen if fitted is None else fitted_velocity(fitted.model)
    first = _first_pass(associate, extent, index, chosen, sample, _CHECKED)
    report(_compared(wadati(first.events), _ratio_of(first.design, chosen.layers), first, sample))
    return chosen


def fitted_velocity(model: LayerModel) -> Velocity:
    """Return a fitted model with a name that has its digest."""
    return Velocity(model, f"auto, digest {model.digest}")


def check_layered(associate: AssociateOptions) -> None:
    """Raise `InputError` for constant velocities, with which no fit can begin."""
    if associate.p_velocity or associate.s_velocity:
        raise InputError(
            "a fitted velocity model has layers: remove --p-velocity and --s-velocity (p_velocity "
            "and s_velocity in a campaign file)"
        )


def fit_velocity(
    associate: AssociateOptions,
    extent: Extent,
    index: SiteIndex,
    sample: PickSample,
    report: Callable[[str], None],
) -> FittedModel | None:
    """Return a model fitted to a sample of picks; None if it has too few events.

    The fit begins with the model of the options, by default and for ``auto`` that of the region.
    """
    chosen = _named(associate, extent)
    first = _first_pass(associate, extent, index, chosen, sample, _FITTED)
    ratio = wadati(first.events)
    report(_compared(ratio, _ratio_of(first.design, chosen.layers), first, sample))
    return _fitted(first, chosen, ratio, sample, report)


def _named(associate: AssociateOptions, extent: Extent) -> Velocity:
    if associate.velocity in (None, AUTO_VELOCITY):
        if associate.velocity is None and (associate.p_velocity or associate.s_velocity):
            return Velocity(None, "")
        regional = regional_model(extent)
        return Velocity(regional.model, regional.name)
    if is_model_name(associate.velocity):
        named = named_model(associate.velocity)
        return Velocity(named.model, named.name)
    path = Path(associate.velocity)
    constant = associate.velocity_layers == "constant"
    return Velocity(read_layers(path, constant=constant), path.name)


def _first_pass(
    associate: AssociateOptions,
    extent: Extent,
    index: SiteIndex,
    chosen: Velocity,
    sample: PickSample,
    most: int,
) -> _FirstPass:
    design = make_design(associate, "", extent, index.sites, chosen.layers)
    picks = site_picks(sample.read(most), index, design.s_velocity)[:most]
    associator = Associator(design, cache_folder("traveltimes"))
    events = exclusive(associator.associate(picks), Needs.from_pyocto(design.pyocto))
    return _FirstPass(design, events, len(picks))


def _ratio_of(design: Design, layers: LayerModel | None) -> float:
    return model_ratio(layers) if layers else design.p_velocity / design.s_velocity


def _compared(found: Wadati | None, model: float, first: _FirstPass, sample: PickSample) -> str:
    where = f"the first {first.picks:,} picks of {sample.name}, {len(first.events)} events"
    if found is None:
        return f"vp/vs of the model {model:.2f}; too few P and S pairs to check it ({where})"
    if not found.is_determined:
        return (
            f"vp/vs of the picks is not determined, model {model:.2f}: P times of an event differ "
            f"by {found.spread_s:.1f} s between sites, too little beside errors of 0.1 s ({where})"
        )
    text = (
        f"vp/vs of the picks {found.ratio:.2f} +- {found.error:.2f} ({found.pairs} pairs; {where}),"
        f" model {model:.2f}"
    )
    if abs(found.ratio - model) <= max(_FAR_OFF, 3 * found.error):
        return text
    return f"warning: {text}: far off; choose another --velocity, or auto"


def _fitted(
    first: _FirstPass,
    chosen: Velocity,
    ratio: Wadati | None,
    sample: PickSample,
    report: Callable[[str], None],
) -> FittedModel | None:
    design, start = first.design, first.design.layer_model
    if start is None:
        raise TypeError("auto begins with a layered model")
    network = Network.from_sites(design.positions, design.plane)
    number = {site.name: n for n, site in enumerate(design.positions)}
    begin = ratio.ratio if ratio is not None and ratio.is_determined else model_ratio(start)
    fitted = fit_model(first.events, network, number, start, begin)
    if fitted is None:
        report(
            f"velocity auto: {len(first.events)} events in the first {first.picks:,} picks of "
            f"{sample.name} are too few to fit a model"
        )
        return None
    rows = zip(fitted.model.depth_km, fitted.model.vp, fitted.model.vs, strict=True)
    numbers = "; ".join(f"{depth:g} km {vp:g}/{vs:g}" for depth, vp, vs in rows)
    report(
        f"velocity auto: {numbers} km/s, from {fitted.picks:,} picks of {fitted.events} events of "
        f"{sample.name}, beginning with {chosen.name}; residuals {fitted.misfit_s[0]:.2f} s, now "
        f"{fitted.misfit_s[1]:.2f} s"
    )
    return replace(fitted, model=replace(fitted.model, spherical=False))
