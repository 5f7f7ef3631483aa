"""``epicat doctor``: verify a store, and repair it."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from itertools import chain
from typing import TYPE_CHECKING, Annotated

import typer

from epicat.campaign.options import StoreOptions
from epicat.campaign.parse import Values, make_options
from epicat.cli.campaign_args import takes

if TYPE_CHECKING:
    from epicat.store.findings import Finding
    from epicat.store.verify.verify import Verification

__all__ = ["doctor"]

_STORE = ("store",)


@takes(StoreOptions)
def doctor(
    given: Values,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Repair what is safe to repair; the next run does the rest."),
    ] = False,
    online: Annotated[
        bool,
        typer.Option(
            "--online", help="Check the installation, and the servers that commands may need."
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check the installation, or verify a store: files are readable, rows match the ledger.

    Without a store it shows versions, extras, processor, memory, cache, compiled pickers and AWS
    credentials, and what to do about each.

    For each finding it prints what it means and what to do.  With --repair, damaged files are
    quarantined, keys with wrong rows are marked as failed, so that the next run does them again,
    and leftovers of stopped writers are deleted, once they are too old to belong to an active
    writer.  Runs may be active at the same time.  Exits with status 1 if anything was found,
    repaired or not.
    """
    if online or _STORE not in given:
        _check_installation(online=online, as_json=as_json)
        return
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


def _check_installation(*, online: bool, as_json: bool) -> None:
    """Show each check as it is done; exit with status 1 if one found a problem."""
    from epicat.cli.installation import installation_checks, reachability_checks

    checks = []
    for check in chain(installation_checks(), reachability_checks() if online else ()):
        checks.append(check)
        if not as_json:
            advice = f" -> {check.advice}" if check.advice else ""
            mark = "FAIL " if check.is_problem else "     "
            typer.echo(f"{mark}{check.name:<16}{check.found}{advice}")
    has_problem = any(check.is_problem for check in checks)
    if as_json:
        typer.echo(json.dumps({"ok": not has_problem, "checks": [*map(asdict, checks)]}))
    elif not has_problem:
        typer.echo("the installation works; to see a catalog: epicat demo")
    if has_problem:
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
