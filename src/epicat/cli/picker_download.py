"""Prepare a picker, and report on stderr how far downloads are."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from epicat.cli.messages import report, waiting

if TYPE_CHECKING:
    from epicat.pick.openvino.bundle import Bundle
    from epicat.pick.pick_options import PickOptions

__all__ = ["prepare_with_progress", "report_download"]


def prepare_with_progress(options: PickOptions) -> Bundle:
    """Return the bundle of a picker, and report downloads."""
    from epicat.pick.resolve import prepare_bundle

    with waiting(f"preparing {options.model} {options.weight} for this machine"):
        return prepare_bundle(options, progress=report_download)


def report_download(name: str, done: int, total: int) -> None:
    """Report how far a download is: on a terminal continually, else at its end."""
    if total and sys.stderr.isatty():
        typer.echo(f"\rdownloading {name}: {done / total:.0%}", err=True, nl=done == total)
    elif done == total:
        report(f"downloaded {name}: {done / 1e6:.1f} MB")
