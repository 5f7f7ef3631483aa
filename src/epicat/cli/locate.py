"""``epicat locate`` and ``epicat terms``: places with uncertainty, and station terms."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from epicat.campaign.options import LocationOptions
from epicat.campaign.parse import Values, make_options
from epicat.cli.campaign_args import takes
from epicat.cli.messages import report
from epicat.errors import InputError

if TYPE_CHECKING:
    from epicat.locate.design import LocationDesign
    from epicat.pipeline.store_tasks.locate_store import StoreLocator
    from epicat.velocity.layers import LayerModel

__all__ = ["locate", "terms"]


@takes(LocationOptions, file=False)
def locate(
    given: Values,
    terms: Annotated[
        str | None,
        typer.Option(
            "--terms",
            metavar="NAME",
            help="Station terms of `epicat terms`: a name, the beginning of a digest, or a file.",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            metavar="NAME",
            help="Name of the location, for --location of other commands.  Default: its digest.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Summary as JSON on stdout.")] = False,
) -> None:
    """Locate the events of a store, with their uncertainty.

    Origins are kept next to the events.  Another velocity model, other settings or other terms
    are another location, with another digest.
    """
    options = make_options(LocationOptions, given)
    locator = _opened(options, terms)
    if name is not None:
        from epicat.store.locations import name_location
        from epicat.store.open import open_store

        name_location(open_store(options.store), name, locator.design.digest)
    made = locator.locate()
    if as_json:
        typer.echo(json.dumps(asdict(made)))
        return
    flags = "".join(f"; {name}: {count}" for name, count in made.flags.items())
    report(
        f"location {made.location}: {made.origins:,} origins; {made.blocks} blocks located, "
        f"{made.unchanged} unchanged; {_velocities(options, locator)}{flags}"
    )


@takes(LocationOptions, file=False)
def terms(
    given: Values,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Also write them to a file, .npz."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="Name of the terms.  Default: their digest."),
    ] = None,
    listed: Annotated[
        bool, typer.Option("--list", help="List the terms of the store; compute none.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="With --list: the terms as JSON on stdout.")
    ] = False,
) -> None:
    """Compute station terms from the events of a store, for `epicat locate --terms`.

    They are kept in the store.
    """
    options = make_options(LocationOptions, given)
    if listed:
        _list_terms(options, as_json=as_json)
        return
    from epicat.pipeline.store_tasks.station_terms import keep_terms
    from epicat.store.names import check_name
    from epicat.store.open import open_store

    locator, store = _opened(options, None), open_store(options.store)
    source = locator.source_of_terms()
    if name is not None:  # before the minutes that it takes to compute them
        check_name(store, "terms", name, source)
    found = locator.calibrate(report)
    design = locator.design
    keep_terms(store, found, design.associator, name, design.layer_model.digest, source)
    where = ""
    if output is not None:
        found.write(output)
        where = f", and written to {output}"
    report(
        f"station terms {name or found.digest} kept in the store{where}; "
        f"{_velocities(options, locator)}"
    )


def _list_terms(options: LocationOptions, *, as_json: bool) -> None:
    from epicat.cli.messages import aligned
    from epicat.store.open import open_readable
    from epicat.store.terms import stored_terms

    found = stored_terms(open_readable(options.store))
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found]))
        return
    rows = []
    for one in found:
        used = [term for term in one.static if term.n > 0]
        largest = max((abs(term.value_s) for term in used), default=0.0)
        sites = len({term.site for term in used})
        rows.append((one.digest, ", ".join(one.names), one.associator, f"{one.n_events:,}",
                     f"{sites:,}", f"{largest:.2f} s"))  # fmt: skip
    header = ("terms", "name", "associator", "events", "sites", "largest")
    for line in aligned(header, rows, left=3):
        typer.echo(line)


def _opened(options: LocationOptions, terms: str | None) -> StoreLocator:
    from epicat.pipeline.store_tasks.locate_store import StoreLocator
    from epicat.pipeline.store_tasks.station_terms import (
        find_terms,
        has_other_velocity,
        keep_terms,
    )
    from epicat.store.open import open_store

    layers = _layers(options)
    store = open_store(options.store)
    found = find_terms(store, terms) if terms else None
    locator = StoreLocator(
        store,
        options.locate,
        associator=options.associator or None,
        layers=layers,
        terms=found,
        site_radius_m=options.site_radius_m,
    )
    _check_fixed_depth(locator.design)
    if found is not None:
        keep_terms(store, found, locator.design.associator)
        if has_other_velocity(store, found, locator.design.layer_model.digest):
            report(
                "warning: the station terms were computed with other velocities; compute them "
                "with `epicat terms` and the same --velocity and --velocity-layers"
            )
    return locator


def _layers(options: LocationOptions) -> LayerModel | None:
    """Return the velocity model that is named; None for that of the association."""
    from epicat.velocity.builtin import is_model_name, named_model
    from epicat.velocity.checks import doubts
    from epicat.velocity.layers import read_layers

    if not options.velocity:
        return None
    if is_model_name(options.velocity):
        return named_model(options.velocity).model
    path = Path(options.velocity)
    model = read_layers(path, constant=options.velocity_layers == "constant")
    for doubt in doubts(model):
        report(f"warning: velocity model {path.name}: {doubt}")
    return model


def _velocities(options: LocationOptions, locator: StoreLocator) -> str:
    """Return what the velocities are, for the user."""
    name = Path(options.velocity).name if options.velocity else locator.velocity
    number = len(locator.design.layers)
    kind = "layer" if locator.design.constant_layers else "gradient node"
    counted = f"{number} {kind}{'s' if number > 1 else ''}"
    return f"velocities of {name} ({counted})" if name else f"velocities of {counted}"


def _check_fixed_depth(design: LocationDesign) -> None:
    """Raise `InputError` for a depth outside the search box, unless it is the default."""
    from epicat.locate.options import LocateOptions

    depth, (top, bottom) = design.options.fixed_depth, design.z_km
    if not top <= depth <= bottom and depth != LocateOptions().fixed_depth:
        raise InputError(
            f"--fixed-depth {depth:g} is outside the search box of the association, which is "
            f"{top:g} to {bottom:g} km deep; choose a depth inside it"
        )
