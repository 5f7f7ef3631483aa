"""A report: the page of a catalog as one file, without a server and without any request."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from epicat._util.files import atomic_file
from epicat.viewer.html import report_page
from epicat.viewer.page_data import PageData, PageOptions
from epicat.viewer.svg import static_picture

if TYPE_CHECKING:
    from epicat.catalog.catalog import Catalog

__all__ = ["ReportWritten", "write_report"]


@dataclass(frozen=True, slots=True)
class ReportWritten:
    """What is in a report."""

    events: int
    """Events."""
    arrivals: int
    """Arrivals."""
    size: int
    """Bytes of the file."""


def write_report(catalog: Catalog, path: Path, options: PageOptions | None = None) -> ReportWritten:
    """Write the report of a catalog; the file is there completely or not at all."""
    page = PageData(catalog, options or PageOptions())
    picture = static_picture(page.events, page.stations, page.view, page.land)
    text = report_page(page.config("report"), page.files(), picture)
    with atomic_file(path, "w") as file:
        file.write(text)
    return ReportWritten(page.events.num_rows, page.arrivals.num_rows, path.stat().st_size)
