"""``epicat status``: what became of every key of a store, or of the jobs of a campaign on AWS."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from epicat.campaign.options import LedgerOptions
from epicat.campaign.parse import Values, asked
from epicat.cli import cloud_options as o
from epicat.cli.aws_credentials import at_stack
from epicat.cli.campaign_args import takes
from epicat.cli.quality_options import told_flags
from epicat.errors import InputError

if TYPE_CHECKING:
    from epicat.model import LedgerEntry, Stage

__all__ = ["status"]

_SHOWN = 10
_AWS = "Jobs on AWS"
_EXPECTED = ("no data", "missing")
"""Statuses that are no trouble: they are counted by reason."""


@takes(LedgerOptions, spanned=False)
def status(
    given: Values,
    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Show the jobs of this campaign on AWS.", rich_help_panel=_AWS
        ),
    ] = None,
    watch: Annotated[
        bool,
        typer.Option("--watch", help="Show them until all have ended.", rich_help_panel=_AWS),
    ] = False,
    every: Annotated[
        float,
        typer.Option(min=0.1, help="Seconds from one look to the next.", rich_help_panel=_AWS),
    ] = 10.0,
    region: o.Region = None,
    profile: o.Profile = None,
    endpoint: o.Endpoint = None,
    as_json: o.Json = False,
) -> None:
    """Show, for each run and associator, what became of its station-days and blocks, and why.

    Station-days that were asked for and not run are missing.  With a campaign file or START END
    EXTENT those of its days count, of the newest run and at stations that the store has; without,
    what earlier invocations asked for.

    With --name or --watch it is about jobs on AWS instead: for each window of days and stage how
    many are submitted, runnable, running, done and failed.  --watch leaves with 1 if some failed;
    Ctrl-C ends the watching, and the jobs go on.
    """
    if watch or name is not None:
        from epicat.cli.job_status import show_jobs

        _nothing_else(given)
        with at_stack(name or "campaign", region, profile, endpoint) as (aws, stack):
            show_jobs(aws, stack, every=every if watch else None, as_json=as_json)
        return
    _show_store(given, as_json=as_json)


def _nothing_else(given: Values) -> None:
    """Raise `InputError` if a person has also named a store."""
    for value in given.values():
        if not value.is_unseen:
            raise InputError(
                f"{value.by}: with --name or --watch the store is that of the submission; leave "
                "the campaign file or --store out"
            )


def _show_store(given: Values, *, as_json: bool) -> None:
    from epicat.catalog.coverage import complete_ledger
    from epicat.stations import Patterns
    from epicat.store.open import open_store

    options = asked(LedgerOptions, given)
    opened = open_store(options.store)
    groups: dict[tuple[Stage, str], list[LedgerEntry]] = {}
    patterns = Patterns(options.select, options.exclude)
    for entry in complete_ledger(opened, options.span, options.extent, patterns):
        groups.setdefault((entry.stage, entry.design), []).append(entry)
    records = {**opened.records("run"), **opened.records("associator")}
    designs = [_summary(group, entries, records) for group, entries in groups.items()]
    if as_json:
        typer.echo(json.dumps({"store": opened.location, "designs": designs}))
        return
    if not designs:
        typer.echo("the store is empty")
    for summary in designs:
        _show(summary)


def _summary(
    group: tuple[Stage, str], entries: list[LedgerEntry], records: dict[str, Any]
) -> dict[str, Any]:
    from epicat.model import BlockEntry, flag_counts

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
        "reasons": _reasons(entries),
        "found": sum(entry.n_rows for entry in entries),
        "rejected": sum(e.n_rejected for e in entries if isinstance(e, BlockEntry)),
        "flags": flag_counts(entries),
        "quality": {name: limit for name, limit in quality.items() if limit is not None},
        "seconds": round(sum(entry.seconds for entry in entries), 3),
        "first": entries[0].key,
        "last": entries[-1].key,
        "troubles": [
            {"key": entry.key, "status": entry.status.value, "reason": entry.reason}
            for entry in sorted(entries, key=lambda e: bool(e.flags))  # the unforeseen comes first
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
        "associate": ("associator", "blocks", "events"),
    }.get(summary["stage"], ("archive", "objects", "found"))
    about = f" ({summary['about']})" if summary["about"] else ""
    typer.echo(f"{words[0]} {summary['design']}{about}")
    counts = ", ".join(f"{n} {name}" for name, n in sorted(summary["statuses"].items()))
    typer.echo(f"  {summary['keys']:,} {words[1]}: {counts}")
    typer.echo(f"  {summary['found']:,} {words[2]}, {summary['seconds']:,.1f} s of work")
    if summary["quality"]:
        limits = ", ".join(f"{name} {limit:g}" for name, limit in summary["quality"].items())
        told = told_flags(summary["flags"], summary["rejected"]) or "nothing left out"
        typer.echo(f"  quality control ({limits}): {told}")
    for status in _EXPECTED:
        for reason, count in summary["reasons"].get(status, {}).items():
            typer.echo(f"  {status}, {count:,}: {reason}")
    for trouble in summary["troubles"][:_SHOWN]:
        typer.echo(f"  {trouble['key']}: {trouble['status']}: {trouble['reason']}")
    more = len(summary["troubles"]) - _SHOWN
    if more > 0:
        typer.echo(f"  and {more} more; see `epicat export --table ledger`")
