"""``epicat status``: the status of the keys of a store, or of submitted jobs."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from epicat.campaign.options import LedgerOptions
from epicat.campaign.parse import Values, make_options
from epicat.cli import cloud_options as o
from epicat.cli import slurm_options as s
from epicat.cli.aws_credentials import at_stack
from epicat.cli.campaign_args import takes
from epicat.cli.messages import format_flags
from epicat.errors import InputError

if TYPE_CHECKING:
    from epicat.ledger import LedgerEntry, Stage
    from epicat.store.base import ReadableStore

__all__ = ["status"]

_SHOWN = 10
_DAY = re.compile(r"/\d{4}\.\d{3}$")
_BLOCK = re.compile(r"\d{4}-\d\d-\d\dT")
_AWS = "Submitted jobs"
_EXPECTED = ("no data", "missing")
"""Statuses that are not failures: they are counted by reason."""


@takes(LedgerOptions, spanned=False, brief=True)
def status(
    given: Values,
    run: Annotated[
        str | None,
        typer.Option(
            "--run",
            metavar="NAME",
            help="Catalog: a name in `epicat runs`, or the beginning of a digest there.  Default: "
            "all.",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Show the jobs of this campaign on AWS.", rich_help_panel=_AWS
        ),
    ] = None,
    watch: Annotated[
        bool,
        typer.Option("--watch", help="Show the jobs until all have ended.", rich_help_panel=_AWS),
    ] = False,
    interval: Annotated[
        float,
        typer.Option(min=0.1, help="Polling interval in seconds.", rich_help_panel=_AWS),
    ] = 10.0,
    region: o.Region = None,
    profile: o.Profile = None,
    endpoint: o.Endpoint = None,
    folder: s.SubmissionsFolder = None,
    as_json: o.Json = False,
) -> None:
    """Show the status of station-days and blocks by run and associator, with reasons.

    Station-days that were requested but not processed are missing: requested by a campaign file or
    START END EXTENT (of the newest run, at the stations of the store), else by earlier invocations.

    With --name or --watch it counts jobs on AWS instead, with --folder those on SLURM.  --watch
    exits with status 1 if some failed; Ctrl-C stops watching, and the jobs keep running.
    """
    if folder is not None:
        _refuse_store(given)
        _show_slurm(folder, interval=interval if watch else None, as_json=as_json)
        return
    if watch or name is not None:
        from epicat.aws.submission_record import find_last
        from epicat.cli.aws_jobs import AwsJobs
        from epicat.cli.job_status import show_jobs

        _refuse_store(given)
        with at_stack(name or "campaign", region, profile, endpoint) as (aws, stack):
            _, record = find_last(stack)
            jobs = AwsJobs(aws, record)
            show_jobs(jobs, interval=interval if watch else None, as_json=as_json)
        return
    _show_store(given, run, as_json=as_json)


def _show_slurm(folder: str, *, interval: float | None, as_json: bool) -> None:
    from epicat.cli.job_status import show_jobs
    from epicat.cli.slurm_jobs import SlurmJobs
    from epicat.slurm.record import find_last

    place = Path(folder).expanduser().absolute()
    _, record = find_last(place)
    show_jobs(SlurmJobs(record, place), interval=interval, as_json=as_json)


def _refuse_store(given: Values) -> None:
    """Raise `InputError` if the user has also named a store."""
    for value in given.values():
        if not value.is_from_environment:
            raise InputError(
                f"{value.source} cannot be combined with --name, --folder or --watch: the "
                "submission determines the store"
            )


def _show_store(given: Values, run: str | None, *, as_json: bool) -> None:
    from epicat.catalog.coverage import complete_ledger
    from epicat.stations import Patterns
    from epicat.store.open import open_readable

    options = make_options(LedgerOptions, given)
    opened = open_readable(options.store)
    groups: dict[tuple[Stage, str], list[LedgerEntry]] = {}
    patterns = Patterns(options.select, options.exclude)
    wanted = _designs_of(opened, run) if run else None
    for entry in complete_ledger(opened, options.span, options.extent, patterns):
        if wanted is None or entry.design in wanted:
            groups.setdefault((entry.stage, entry.design), []).append(entry)
    labels = _labels(opened)
    records = {**opened.records("run"), **opened.records("associator")}
    locations = _locations(opened, {design for stage, design in groups if stage == "associate"})
    designs = []
    for group, entries in groups.items():
        summary = _summary(group, entries, records, opened)
        about = summary["about"] or locations.get(group[1], "")
        designs.append({**summary, "name": labels.get(group[1], ""), "about": about})
    if as_json:
        typer.echo(json.dumps({"store": opened.location, "designs": designs}))
        return
    if not designs:
        typer.echo("the store is empty")
    for summary in designs:
        _show(summary)


def _labels(store: ReadableStore) -> dict[str, str]:
    """Return the names of runs and of catalogs by digest of the run or the associator."""
    from epicat.store.catalogs import run_names, stored_catalogs

    return {**run_names(store), **{c.digest: c.label for c in stored_catalogs(store)}}


def _designs_of(store: ReadableStore, wanted: str) -> set[str]:
    """Return the digests of all that belongs to a catalog."""
    from epicat.catalog.selection import select_results

    chosen = select_results(store, wanted)
    found = {chosen.run, chosen.associator}
    for kind, key in (
        ("location", "associator"),
        ("magnitude", "associator"),
        ("amplitude", "run"),
    ):
        owner = getattr(chosen, key)
        found |= {d for d, record in store.records(kind).items() if record.get(key) == owner}
    return {digest for digest in found if digest}


def _locations(store: ReadableStore, associators: set[str]) -> dict[str, str]:
    """Return what each location is: its names, whose it is, whether it is shown, its terms."""
    from epicat.store.locations import stored_locations
    from epicat.store.names import names_by_digest

    terms = names_by_digest(store, "terms")
    found = {}
    for associator in associators:
        for number, one in enumerate(stored_locations(store, associator)):
            parts = [*one.names, *(["the campaign's"] if one.is_campaign else [])]
            parts += [f"of associator {associator}"] if len(associators) > 1 else []
            named = ", ".join(terms.get(one.terms, (one.terms,)))
            parts += [f"with terms {named}"] if one.terms else []
            parts += ["shown by default"] if number == 0 else []
            found[one.digest] = ", ".join(parts)
    return found


def _day_of(key: str) -> str:
    """Return the day of a station-day or a block, ISO 8601; empty for other keys."""
    from epicat.time import named_day

    if _DAY.search(key):
        return named_day(key.rpartition("/")[2]).isoformat()
    return key[:10] if _BLOCK.match(key) else ""


def _summary(
    group: tuple[Stage, str],
    entries: list[LedgerEntry],
    records: dict[str, Any],
    store: ReadableStore,
) -> dict[str, Any]:
    from epicat.ledger import BlockEntry, Status, flag_counts
    from epicat.store.journal import count_kept

    stage, design = group
    picker = records.get(design, {}).get("picker", {})
    imported = records.get(design, {}).get("imported", "")
    quality = records.get(design, {}).get("quality", {})
    return {
        "stage": stage.value,
        "design": design,
        "about": f"{picker['model']} {picker['weight']}"
        if picker
        else f"imported from {imported}"
        if imported
        else "",
        "keys": len(entries),
        "statuses": dict(Counter(entry.status.value for entry in entries)),
        "kept": 0
        if stage != "pick"
        else count_kept(store, design, (e.key for e in entries if e.status != Status.MISSING)),
        "reasons": _reasons(entries),
        "found": sum(entry.n_rows for entry in entries),
        "rejected": sum(e.n_rejected for e in entries if isinstance(e, BlockEntry)),
        "flags": flag_counts(entries),
        "quality": {name: limit for name, limit in quality.items() if limit is not None},
        "seconds": round(sum(entry.seconds for entry in entries), 3),
        "first": min(entries, key=lambda e: _day_of(e.key)).key,
        "last": max(entries, key=lambda e: _day_of(e.key)).key,
        "problems": [
            {"key": entry.key, "status": entry.status.value, "reason": entry.reason}
            for entry in sorted(entries, key=lambda e: bool(e.flags))  # unexpected ones first
            if entry.reason and entry.status.value not in _EXPECTED
        ],
    }


def _reasons(entries: list[LedgerEntry]) -> dict[str, dict[str, int]]:
    """Count the reasons of each status, the most frequent ones by name."""
    counts: dict[str, Counter[str]] = {}
    for entry in entries:
        if entry.reason:
            counts.setdefault(entry.status.value, Counter())[entry.reason] += 1
    found = {}
    for status, reasons in sorted(counts.items()):
        named = dict(reasons.most_common(_SHOWN))
        others = reasons.total() - sum(named.values())
        found[status] = {**named, **({"other reasons": others} if others else {})}
    return found


def _show(summary: dict[str, Any]) -> None:
    words = {
        "pick": ("run", "station-days", "picks"),
        "measure": ("amplitudes", "station-days", "instruments"),
        "associate": ("associator", "blocks", "events"),
        "locate": ("location", "blocks", "origins"),
        "magnitude": ("magnitude", "blocks", "magnitudes"),
    }.get(summary["stage"], ("archive", "objects", "found"))
    name, about = summary["name"], summary["about"]
    notes = ", ".join(filter(None, (summary["design"] if name else "", about)))
    typer.echo(f"{words[0]} {name or summary['design']}{f' ({notes})' if notes else ''}")
    counts = ", ".join(f"{n} {name}" for name, n in sorted(summary["statuses"].items()))
    first, last = (_day_of(summary[key]) for key in ("first", "last"))
    days = f", {first} to {last}" if first else ""
    typer.echo(f"  {summary['keys']:,} {words[1]}: {counts}{days}")
    typer.echo(f"  {summary['found']:,} {words[2]}, {summary['seconds']:,.1f} s of work")
    if summary["quality"]:
        limits = ", ".join(f"{name} {limit:g}" for name, limit in summary["quality"].items())
        excluded = format_flags(summary["flags"], summary["rejected"]) or "nothing excluded"
        typer.echo(f"  quality control ({limits}): {excluded}")
    for status in _EXPECTED:
        for reason, count in summary["reasons"].get(status, {}).items():
            typer.echo(f"  {status}, {count:,}: {reason}")
    if kept := summary["kept"]:
        typer.echo(f"  {kept:,} of the missing are finished, and are recorded with their unit")
    for problem in summary["problems"][:_SHOWN]:
        typer.echo(f"  {problem['key']}: {problem['status']}: {problem['reason']}")
    more = len(summary["problems"]) - _SHOWN
    if more > 0:
        typer.echo(f"  and {more} more; see `epicat export --table ledger`")
