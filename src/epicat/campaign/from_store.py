"""A campaign on what a store holds: its picks, at its stations, are associated alone."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import ValidationError

from epicat.campaign.campaign import (
    Campaign,
    ImportedRun,
    Run,
    choose_stations,
    settle_design,
    unheard,
    whole_days,
)
from epicat.campaign.options import AssociationOptions
from epicat.errors import InputError, StoreError
from epicat.model import Stage, StationDay
from epicat.stations import Patterns
from epicat.store.base import Store
from epicat.tables import stations_of
from epicat.time import day_name

__all__ = ["AssociationOptions", "settle_association"]

_SHOWN = 10


def settle_association(
    options: AssociationOptions, store: Store, say: Callable[[str], None] = unheard
) -> Campaign:
    """Settle every number of a campaign whose picks and stations a store has.

    Raises `InputError` if the store lacks them, or has several runs and none is named.
    """
    patterns = Patterns(options.select, options.exclude)
    run = _stored_run(store, options.run)
    found = stations_of(store.stations())
    if not found:
        raise InputError(
            f"store {store.location!r} has no stations; `epicat stations import FILE` brings them"
        )
    stations = choose_stations(found, options.extent, patterns, say)
    campaign = Campaign(
        span=whole_days(options.span),
        extent=options.extent,
        store=options.store,
        run=run,
        design=settle_design(options.associate, run.digest, options.extent, stations),
        stations=tuple(stations),
        site_radius_m=options.associate.site_radius_m,
    )
    _check_picks(campaign, store, say)
    return campaign


def _stored_run(store: Store, wanted: str) -> Run | ImportedRun:
    records = store.records("run")
    runs = {digest: _run_of(digest, record) for digest, record in records.items()}
    fitting = [run for digest, run in runs.items() if digest.startswith(wanted)]
    if len(fitting) == 1:
        return fitting[0]
    listed = "; ".join(f"{digest} ({_about(run)})" for digest, run in runs.items())
    if not listed:
        raise InputError(
            f"store {store.location!r} has no picks; `epicat picks import FILE` brings them, "
            "`epicat run` makes them"
        )
    what = f"--run {wanted!r} names {len(fitting)} of" if wanted else "choose with --run one of"
    raise InputError(f"{what} the store's runs: {listed}")


def _run_of(digest: str, record: dict[str, object]) -> Run | ImportedRun:
    kind = ImportedRun if "imported" in record else Run
    try:
        return kind.model_validate(record)
    except ValidationError as error:
        raise StoreError(
            f"the record of run {digest} is of another version of epicat, or of the tutorial: its "
            "picks can be associated as a run of their own, by `epicat export --table picks -o "
            "picks.csv` and `epicat picks import picks.csv` into another store"
        ) from error


def _about(run: Run | ImportedRun) -> str:
    if isinstance(run, ImportedRun):
        return f"imported from {run.imported}"
    limits = ", ".join(f"{phase} {limit:g}" for phase, limit in run.thresholds.items())
    quality = "".join(f", {limit}" for limit in run.quality.given)
    return f"{run.picker.model} {run.picker.weight}, thresholds {limits}{quality}"


def _check_picks(campaign: Campaign, store: Store, say: Callable[[str], None]) -> None:
    """Tell of picks that take no part; raise `InputError` if none of the span is there."""
    keys = [
        StationDay.parse(entry.key)
        for entry in store.ledger(Stage.PICK, campaign.run.digest)
        if entry.count
    ]
    inside = [key for key in keys if key.span.overlaps(campaign.span)]
    if not inside:
        days = sorted(day_name(key.day) for key in keys)
        have = f"; it has picks of {days[0]} to {days[-1]}" if days else ""
        raise InputError(f"run {campaign.run.digest} has no picks of these days{have}")
    others = sorted({key.station for key in inside} - set(campaign.pick_names))
    if others:
        more = ", ..." if len(others) > _SHOWN else ""
        say(
            f"picks of {len(others)} stations take no part, since the store's stations or the "
            f"extent are without them: {', '.join(others[:_SHOWN])}{more}"
        )
