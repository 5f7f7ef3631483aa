"""Resolve a campaign: read stations and velocities, check the archive, prepare the picker.

The only step of `epicat.campaign` with input and output.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import TypeAdapter, ValidationError

from epicat._util.files import atomic_file
from epicat._util.lists import list_some
from epicat.amplitude.design import AmplitudeDesign
from epicat.amplitude.options import ResponseOptions
from epicat.archive.access import Access, resolve_access
from epicat.archive.archive import check_access, open_archive
from epicat.archive.dataselect import credentials
from epicat.archive.fdsn import FdsnOptions, is_fdsn, service_root
from epicat.archive.layouts import choose_layout
from epicat.archive.objects import Source
from epicat.archive.registry import layout_for, locate
from epicat.archive.s3 import is_bucket
from epicat.association.associate_options import AUTO_VELOCITY, AssociateOptions
from epicat.association.design import Design, make_design
from epicat.association.sites import SiteIndex
from epicat.campaign.campaign import Campaign, whole_days
from epicat.campaign.fitted_velocity import FittedVelocity
from epicat.campaign.location import location_design
from epicat.campaign.options import AssociationOptions, CampaignOptions
from epicat.campaign.pick_run import ImportedRun, PickRun
from epicat.campaign.velocity import PickSample, Velocity, choose_velocity, fitted_velocity
from epicat.errors import ArchiveError, InputError, StoreError
from epicat.fs.retry import BRISK
from epicat.geo import Extent, Plane
from epicat.ledger import Stage
from epicat.locate.design import LocationDesign
from epicat.magnitude.design import MagnitudeDesign
from epicat.magnitude.options import MagnitudeSection
from epicat.model import Span, Station, StationDay, digest_of
from epicat.pick.openvino.bundle import Bundle
from epicat.pick.pick_options import PickOptions
from epicat.pick.resolve import prepare_bundle
from epicat.stations import (
    Patterns,
    bucket_opener,
    find_responses,
    find_stations,
    find_stations_and_responses,
    move_messages,
    select,
)
from epicat.stations.responses import ChannelResponse, FlatResponse, Responses
from epicat.store.base import ReadableStore, Where
from epicat.store.catalogs import fitting_runs, run_names
from epicat.store.magnitudes import newest_amplitudes
from epicat.table_rows import stations_of, stations_table
from epicat.time import DAY_NS, SECOND_NS, day_name, day_of
from epicat.velocity.layers import LayerModel

__all__ = [
    "choose_stations",
    "resolve",
    "resolve_association",
    "resolve_design",
    "resolve_responses",
]

_SHOWN = 10
_HOUR_NS = 3600 * SECOND_NS


def _ignore(text: str) -> None:
    """Discard a message."""
    del text


def resolve(
    options: CampaignOptions,
    report: Callable[[str], None] = _ignore,
    prepare: Callable[[PickOptions], Bundle] = prepare_bundle,
    velocity: LayerModel | None = None,
) -> Campaign:
    """Resolve a campaign: read stations and velocities, prepare the picker.

    ``prepare`` returns the picker after everything else is checked; by default it is compiled
    if it is not in the cache.  ``report`` receives progress messages.  ``velocity`` is a model
    fitted to picks, in place of that of the options.  Raises `InputError`, `ArchiveError` or
    `ModelError` for what cannot be used.

    Examples
    --------
    >>> import epicat as ec
    >>> options = ec.CampaignOptions.from_toml("campaign.toml")
    >>> campaign = ec.resolve(options)
    >>> campaign.run.thresholds["P"] > 0
    True

    """
    if options.associate.velocity == AUTO_VELOCITY and velocity is None:
        raise InputError(_no_picks_to_fit(options.span))
    layout = layout_for(options.archive, options.layout)
    if not is_fdsn(options.archive):
        choose_layout(layout)
    access = _access(options)
    patterns = Patterns(options.select, options.exclude)
    opener = bucket_opener(options.archive, access)
    found, read = _stations(options, patterns, opener)
    span = whole_days(options.span)
    stations = choose_stations(found, options.extent, patterns, report, span)
    fdsn = FdsnOptions(keep=Path(options.keep) if options.keep else None)
    archive = open_archive(options.archive, layout, access, BRISK, fdsn=fdsn)
    if is_bucket(archive.location) or is_fdsn(archive.location):
        first = Span(span.start_ns, span.start_ns + DAY_NS)
        check_access(archive, ((s.network, s.code) for s in stations), first)
    bundle = prepare(options.pick)
    run = PickRun.from_options(bundle.info, options.pick, options.quality)
    design = resolve_design(
        options.associate, run.digest, options.extent, stations, velocity, report=report
    )
    responses = _responses(options, stations, opener, report, read)
    location = location_design(design, options.locate.options) if options.locate.locate else None
    amplitudes = AmplitudeDesign(run=run.digest) if responses else None
    return Campaign(
        span=span,
        extent=options.extent,
        archive=archive.location,
        layout=layout,
        access=access,
        network=options.network or "",
        keep=str(Path(options.keep).absolute()) if options.keep else "",
        store=options.store,
        bundle=bundle.folder,
        run=run,
        design=design,
        location=location,
        amplitudes=amplitudes,
        magnitude=_magnitude(options.magnitude, design, location, amplitudes),
        responses=responses,
        stations=tuple(stations),
        site_radius_m=options.associate.site_radius_m,
        name=options.name or "",
    )


def _no_picks_to_fit(span: Span) -> str:
    """Return why ``auto`` cannot be resolved, and the commands that do what it does."""
    second_day = day_name(day_of(whole_days(span).start_ns + DAY_NS))
    return (
        "velocity: auto fits a model to picks before the association is designed, and only `epicat "
        "run` picks a sample first.  Pick the first day here, fit the model and give its file:\n"
        f"  epicat run CAMPAIGN.toml --end {second_day}\n"
        "  epicat velocity fit CAMPAIGN.toml -o velocity.csv\n"
        "then give this command --velocity velocity.csv --velocity-layers constant.  Without a "
        f"campaign file, give the same arguments, in the first command with END {second_day}"
    )


def _responses(
    options: CampaignOptions,
    stations: Sequence[Station],
    opener: Callable[[str], Source],
    report: Callable[[str], None],
    read: Sequence[ChannelResponse] | None,
) -> Responses:
    """Return the responses of a campaign's channels, empty if it measures no amplitudes.

    ``read`` are those that were read with the station list; None if they were not.  If those of
    the station list cannot be had, there are none: a catalog does not need them.  A source that
    was named must work.
    """
    if not options.amplitude.amplitudes:
        return Responses()
    if read is not None:
        return _usable(options.amplitude, read, stations, report)
    where = options.stations or service_root(options.archive)
    try:
        return resolve_responses(
            options.amplitude, where, stations, opener, report, keep=options.keep
        )
    except (ArchiveError, InputError) as error:
        if options.amplitude.responses:
            raise
        report(f"no responses: {error}")
        return resolve_responses(options.amplitude, "", stations, opener, report)


def _magnitude(
    section: MagnitudeSection,
    design: Design,
    location: LocationDesign | None,
    amplitudes: AmplitudeDesign | str | None,
) -> MagnitudeDesign | None:
    """Return the magnitudes of a campaign; None without amplitudes, or if none are wanted."""
    if not section.magnitudes or not amplitudes:
        return None
    return MagnitudeDesign.from_options(
        section.options,
        associator=design.digest,
        location=location.digest if location else "",
        amplitude=amplitudes if isinstance(amplitudes, str) else amplitudes.digest,
    )


def resolve_responses(
    options: ResponseOptions,
    where: str,
    stations: Sequence[Station],
    opener: Callable[[str], Source],
    report: Callable[[str], None] = _ignore,
    *,
    keep: str | None = None,
) -> Responses:
    """Return the responses of stations: of the options, else of the station list ``where``.

    ``report`` receives how many channels have none that can be used, and why.  A folder ``keep``
    keeps them, so that another run needs no network.
    """
    source = options.responses or where
    if keep is None or not source:
        found = find_responses(source, stations, opener, report) if source else []
        return _usable(options, found, stations, report)
    flat = tuple(FlatResponse.parse(text) for text in options.flat_response)
    names = sorted(f"{station.network}.{station.code}" for station in stations)
    path = Path(keep) / ".epicat" / f"responses.{digest_of(source, *names)}.json"
    return _reported(
        replace(_kept_responses(path, source, stations, opener, report), flat=flat), report
    )


def _usable(
    options: ResponseOptions,
    found: Sequence[ChannelResponse],
    stations: Sequence[Station],
    report: Callable[[str], None],
) -> Responses:
    """Return the responses of stations among those found, and the flat ones of the options."""
    wanted = {f"{station.network}.{station.code}" for station in stations}
    own = [one for one in found if one.channel.rsplit(".", 2)[0] in wanted]
    flat = [FlatResponse.parse(text) for text in options.flat_response]
    return _reported(Responses.from_channels(own, flat), report)


def _reported(responses: Responses, report: Callable[[str], None]) -> Responses:
    """Report the channels whose response cannot be used."""
    for problem, channels in responses.problems().items():
        report(f"no amplitudes, {problem}: {list_some(channels)}")
    return responses


def _kept_responses(
    path: Path,
    source: str,
    stations: Sequence[Station],
    opener: Callable[[str], Source],
    report: Callable[[str], None],
) -> Responses:
    """Return the responses that a file keeps; write it if it is not there."""
    kept = TypeAdapter(Responses)
    if path.exists():
        return kept.validate_json(path.read_bytes())
    found = Responses.from_channels(find_responses(source, stations, opener, report))
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path, "wb") as file:
        file.write(kept.dump_json(found))
    return found


def _stations(
    options: CampaignOptions, patterns: Patterns, opener: Callable[[str], Source]
) -> tuple[list[Station], Sequence[ChannelResponse] | None]:
    """Return the stations of the list, or of the data center of the waveforms.

    With ``keep`` the latter are kept, so that another run needs no network.  Also returns the
    responses, if a list was read that has both; None if they are to be read elsewhere or not.
    """
    amplitude = options.amplitude
    if options.stations and not options.keep and amplitude.amplitudes and not amplitude.responses:
        return find_stations_and_responses(options.stations, options.extent, patterns, opener)
    if options.stations or not options.keep:
        where = options.stations or service_root(options.archive)
        return find_stations(where, options.extent, patterns, opener), None
    where = service_root(options.archive)
    extent = options.extent
    name = f"stations.{digest_of(where, extent.south, extent.north, extent.west, extent.east)}"
    path = Path(options.keep) / ".epicat" / f"{name}.parquet"
    if path.exists():
        return stations_of(pq.read_table(path)), None
    found = find_stations(where, extent, patterns, opener)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path, "wb") as file:
        pq.write_table(stations_table(found), file)
    return found, None


def _access(options: CampaignOptions) -> Access:
    if is_fdsn(options.archive):
        is_signed = options.archive_signed
        return Access(signed=credentials() is not None if is_signed is None else is_signed)
    if not is_bucket(locate(options.archive)):
        return Access()
    return resolve_access(
        options.archive,
        region=options.archive_region,
        endpoint=options.archive_endpoint,
        signed=options.archive_signed,
    )


def resolve_design(
    associate: AssociateOptions,
    run: str,
    extent: Extent,
    stations: list[Station],
    velocity: LayerModel | PickSample | None = None,
    report: Callable[[str], None] = _ignore,
) -> Design:
    """Resolve the association of a run's picks at these stations; choose the velocities.

    ``velocity`` is a model that takes precedence over the options, or a sample of the picks that
    theirs is compared with or fitted to.  ``report`` receives the result, and the names of
    stations that are joined to one site.
    """
    index = SiteIndex.from_stations(stations, Plane(*extent.center), associate.site_radius_m)
    if index.joined:
        names = list_some([" with ".join(names) for names in index.joined], "; ")
        report(
            f"{len(index.joined)} sites have several stations, within {associate.site_radius_m:g} "
            f"m of each other: {names}"
        )
    if isinstance(velocity, LayerModel):
        is_auto = associate.velocity == AUTO_VELOCITY
        chosen = fitted_velocity(velocity) if is_auto else Velocity(velocity, "the model given")
    else:
        chosen = choose_velocity(associate, extent, index, velocity, report)
    return make_design(associate, run, extent, index.sites, chosen.layers, chosen.name)


def choose_stations(
    found: list[Station],
    extent: Extent,
    patterns: Patterns,
    report: Callable[[str], None],
    span: Span | None = None,
) -> list[Station]:
    """Return the stations inside an extent that match the patterns, in the order of ids.

    ``report`` receives their numbers, and the names of those that moved within ``span``, by default
    at any time.
    """
    inside = select(found, extent)
    chosen = patterns.chosen(inside)
    kept = f", {len(chosen)} kept by --select and --exclude" if len(chosen) < len(inside) else ""
    report(f"{len(found):,} stations, {len(inside):,} of them inside the extent{kept}")
    for message in move_messages(chosen, span):
        report(message)
    return chosen


def resolve_association(
    options: AssociationOptions,
    store: ReadableStore,
    report: Callable[[str], None] = _ignore,
    *,
    compare: bool = True,
) -> Campaign:
    """Resolve a campaign that associates the picks of a store at its stations.

    ``compare``: whether vp/vs of the velocity model is compared with that of the picks.
    Raises `InputError` if the store lacks them, or has several runs and none is named.
    """
    patterns = Patterns(options.select, options.exclude)
    run = _stored_run(store, options.run)
    found = stations_of(store.stations())
    if not found:
        raise InputError(
            f"store {store.location!r} has no stations; import them with "
            "`epicat stations import FILE`"
        )
    span = whole_days(options.span)
    stations = choose_stations(found, options.extent, patterns, report, span)
    sample = _busiest_day(store, run.digest, span) if compare else None
    velocity = _recorded_velocity(store, options, run.digest, stations, report) or sample
    design = resolve_design(
        options.associate, run.digest, options.extent, stations, velocity, report=report
    )
    location = location_design(design, options.locate.options) if options.locate.locate else None
    measured = newest_amplitudes(store, run.digest)
    campaign = Campaign(
        span=span,
        extent=options.extent,
        store=options.store,
        run=run,
        design=design,
        location=location,
        magnitude=_magnitude(options.magnitude, design, location, measured),
        stations=tuple(stations),
        site_radius_m=options.associate.site_radius_m,
        name=options.name or "",
    )
    _check_picks(campaign, store, report)
    return campaign


def _recorded_velocity(
    store: ReadableStore,
    options: AssociationOptions,
    run: str,
    stations: list[Station],
    report: Callable[[str], None],
) -> LayerModel | None:
    """Return the model that ``auto`` has fitted in a store before, if it is asked for."""
    if options.associate.velocity != AUTO_VELOCITY:
        return None
    settings = options.associate.model_copy(update={"velocity": None})
    start = resolve_design(settings, run, options.extent, stations)
    found = FittedVelocity.find(store, start)
    if found is None:
        return None
    report(f"velocity auto: the model of this store, fitted to picks of {found.sample}")
    return found.model


def _busiest_day(store: ReadableStore, run: str, span: Span) -> PickSample | None:
    """Return the picks of the day of a span that has the most; None if it has none."""
    counts: Counter[int] = Counter()
    for entry in store.ledger(Stage.PICK, run, span):
        day = StationDay.parse(entry.key).span
        if day.overlaps(span):
            counts[day.start_ns] += entry.n_rows
    if not counts or not counts.most_common(1)[0][1]:
        return None
    start_ns = min(counts, key=lambda start: (-counts[start], start))

    def read(count: int) -> pa.Table:
        parts: list[pa.Table] = []
        for hour_ns in range(start_ns, start_ns + DAY_NS, _HOUR_NS):
            where = Where(design=run, span=Span(hour_ns, hour_ns + _HOUR_NS))
            parts.append(store.read("picks", where))
            if sum(part.num_rows for part in parts) >= count:
                break
        return pa.concat_tables(parts)

    return PickSample(day_name(day_of(start_ns)), read)


def _stored_run(store: ReadableStore, wanted: str) -> PickRun | ImportedRun:
    records = store.records("run")
    runs = {digest: _run_of(digest, record) for digest, record in records.items()}
    fitting = fitting_runs(store, wanted)
    if len(fitting) == 1:
        return runs[fitting[0]]
    names = run_names(store)
    listed = "; ".join(f"{names[d]}: {d} ({_about(run)})" for d, run in runs.items())
    if not listed:
        raise InputError(
            f"store {store.location!r} has no picks; import them with `epicat picks import FILE` "
            "or make them with `epicat run`"
        )
    what = f"--run {wanted!r} matches {len(fitting)} of" if wanted else "choose with --run one of"
    raise InputError(f"{what} the store's runs: {listed}")


def _run_of(digest: str, record: dict[str, object]) -> PickRun | ImportedRun:
    kind = ImportedRun if "imported" in record else PickRun
    try:
        return kind.model_validate(record)
    except ValidationError as error:
        raise StoreError(
            f"the record of run {digest} was not written by this version of epicat.  To associate "
            "its picks, export them (`epicat export --table picks -o picks.csv`) and import them "
            "into another store (`epicat picks import picks.csv`)"
        ) from error


def _about(run: PickRun | ImportedRun) -> str:
    if isinstance(run, ImportedRun):
        return f"imported from {run.imported}"
    limits = ", ".join(f"{phase} {limit:g}" for phase, limit in run.thresholds.items())
    quality = "".join(f", {limit}" for limit in run.quality.given)
    return f"{run.picker.model} {run.picker.weight}, thresholds {limits}{quality}"


def _check_picks(campaign: Campaign, store: ReadableStore, report: Callable[[str], None]) -> None:
    """Report ignored picks; raise `InputError` if there are none in the span."""
    keys = [
        StationDay.parse(entry.key)
        for entry in store.ledger(Stage.PICK, campaign.run.digest)
        if entry.n_rows
    ]
    inside = [key for key in keys if key.span.overlaps(campaign.span)]
    if not inside:
        days = sorted(day_name(key.day) for key in keys)
        have = f"; it has picks from {days[0]} to {days[-1]}" if days else ""
        raise InputError(f"run {campaign.run.digest} has no picks in this time range{have}")
    others = sorted({key.station for key in inside} - set(campaign.pick_names))
    if others:
        report(
            f"ignoring picks of {len(others)} stations that are not in the store's station list "
            f"or outside the extent: {list_some(others)}"
        )
