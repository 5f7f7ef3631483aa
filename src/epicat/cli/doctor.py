"""``epicat doctor``: whether a store is what it should be, and how to mend it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated

import typer

from epicat.campaign.options import StoreOptions
from epicat.campaign.parse import Values, make_options
from epicat.cli.campaign_args import takes

if TYPE_CHECKING:
    from epicat.store.verify.findings import Finding
    from epicat.store.verify.verify import Checked

__all__ = ["doctor"]


@takes(StoreOptions)
def doctor(
    given: Values,
    mend: Annotated[
        bool,
        typer.Option("--mend", help="Mend what is safe to mend; the next run does the rest."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="What was found, as JSON.")] = False,
) -> None:
    """Verify a store: can all be read, are the rows those that were marked, is anything left over.

    For each finding it says what that means and how to mend it.  With --mend, damaged files are
    put away, keys whose rows are not what they should be are marked as failed, so that the next
    run does them again, and what stopped writers have left is deleted, if it is so old that no
    writer can be at work on it.  Runs may go on meanwhile.  Leaves with 1 if anything was found,
    mended or not.
    """
    from epicat.store.open import open_store
    from epicat.store.verify.verify import check_store

    opened = open_store(make_options(StoreOptions, given).store)
    done = check_store(opened, mend=mend, tell=_Told())
    if as_json:
        _write_json(done, opened.location)
    else:
        _show(done, opened.location)
    if not done.findings.is_healthy:
        raise typer.Exit(1)


class _Told:
    """Says every few seconds how far it is."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, count: int, of: int) -> None:
        now = time.monotonic()
        if now - self._last > 5:
            self._last = now
            typer.echo(f"{count:,} of {of:,} keys looked at", err=True)


def _show(done: Checked, location: str) -> None:
    rows = [f"{count:,} {table}" for table, count in done.rows.items()]
    looked = ", ".join([f"{done.keys.total():,} keys", *rows])
    typer.echo(f"store {location}: {looked}; SHA-256 {done.digest or 'not made'}")
    for finding in done.findings.all():
        _show_finding(finding)
    if done.findings.is_healthy:
        typer.echo("healthy")


def _show_finding(finding: Finding) -> None:
    from epicat.store.verify.findings import ADVICE

    advice = ADVICE[finding.kind]
    mended = f", {finding.mended:,} mended" if finding.mended else ""
    typer.echo(f"{finding.kind.value}: {finding.count:,}{mended}")
    for example in finding.examples:
        typer.echo(f"    {example}")
    if finding.count > len(finding.examples):
        typer.echo(f"    and {finding.count - len(finding.examples):,} more")
    typer.echo(f"  means: {advice.meaning}")
    typer.echo(f"  mend:  {advice.mend}")


def _write_json(done: Checked, location: str) -> None:
    from epicat.store.verify.findings import ADVICE

    findings = [
        {
            "kind": finding.kind.value,
            "count": finding.count,
            "mended": finding.mended,
            "is_note": ADVICE[finding.kind].is_note,
            "examples": finding.examples,
            "meaning": ADVICE[finding.kind].meaning,
            "mend": ADVICE[finding.kind].mend,
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
