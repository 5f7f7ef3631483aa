"""``epicat doctor``: verify a store, and repair it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated

import typer

from epicat.campaign.options import StoreOptions
from epicat.campaign.parse import Values, make_options
from epicat.cli.campaign_args import takes

if TYPE_CHECKING:
    from epicat.store.findings import Finding
    from epicat.store.verify.verify import Verification

__all__ = ["doctor"]


@takes(StoreOptions)
def doctor(
    given: Values,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Repair what is safe to repair; the next run does the rest."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Verify a store: every file is readable, rows match the ledger, nothing is left over.

    For each finding it prints what it means and what to do.  With --repair, damaged files are
    quarantined, keys with wrong rows are marked as failed, so that the next run does them again,
    and leftovers of stopped writers are deleted, once they are too old to belong to an active
    writer.  Runs may be active at the same time.  Exits with status 1 if anything was found,
    repaired or not.
    """
    from epicat.store.open import open_readable
    from epicat.store.verify.verify import verify_store

    opened = open_readable(make_options(StoreOptions, given).store)
    done = verify_store(opened, repair=repair, report=_Progress())
    if as_json:
        _write_json(done, opened.location)
    else:
        _show(done, opened.location)
    if not done.findings.is_healthy:
        raise typer.Exit(1)


class _Progress:
    """Report progress every few seconds."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, count: int, of: int) -> None:
        now = time.monotonic()
        if now - self._last > 5:
            self._last = now
            typer.echo(f"{count:,} of {of:,} keys verified", err=True)


def _show(done: Verification, location: str) -> None:
    rows = [f"{count:,} {table}" for table, count in done.rows.items()]
    verified = ", ".join([f"{done.keys.total():,} keys", *rows])
    typer.echo(f"store {location}: {verified}; SHA-256 {done.digest or 'not computed'}")
    for finding in done.findings.all():
        _show_finding(finding)
    if done.findings.is_healthy:
        typer.echo("healthy")


def _show_finding(finding: Finding) -> None:
    from epicat.store.findings import ADVICE

    advice = ADVICE[finding.kind]
    repaired = f", {finding.repaired:,} repaired" if finding.repaired else ""
    typer.echo(f"{finding.kind.value}: {finding.count:,}{repaired}")
    for example in finding.examples:
        typer.echo(f"    {example}")
    if finding.count > len(finding.examples):
        typer.echo(f"    and {finding.count - len(finding.examples):,} more")
    typer.echo(f"  means:  {advice.meaning}")
    typer.echo(f"  remedy: {advice.remedy}")


def _write_json(done: Verification, location: str) -> None:
    from epicat.store.findings import ADVICE

    findings = [
        {
            "kind": finding.kind.value,
            "count": finding.count,
            "repaired": finding.repaired,
            "is_note": ADVICE[finding.kind].is_note,
            "examples": finding.examples,
            "meaning": ADVICE[finding.kind].meaning,
            "remedy": ADVICE[finding.kind].remedy,
        }
        for finding in done.findings.all()
    ]
    report = {
        "store": location,
        "healthy": done.findings.is_healthy,
        "keys": dict(done.keys),
        "rows": dict(done.rows),
        "sha256": done.digest,
        "findings": findings,
    }
    typer.echo(json.dumps(report))
