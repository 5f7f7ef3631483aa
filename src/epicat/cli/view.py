"""``epicat view``: the catalog as a page from a server on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from epicat.campaign.options import StoreOptions
from epicat.campaign.parse import Values, make_options
from epicat.cli.campaign_args import takes
from epicat.cli.catalog_names import RunName
from epicat.cli.export import LocationName
from epicat.cli.messages import report_location, report_selection
from epicat.cli.report import Overlay, Tiles
from epicat.errors import InputError

__all__ = ["view"]


@takes(StoreOptions)
def view(
    given: Values,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Address to listen on.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 0,
    password: Annotated[
        str | None,
        typer.Option(
            "--password",
            metavar="REFERENCE",
            help="env:NAME or file:PATH of a password; needed to listen beyond this machine.",
        ),
    ] = None,
    names: Annotated[
        list[str] | None,
        typer.Option("--name", metavar="HOST", help="Another name that the server is asked by."),
    ] = None,
    title: Annotated[str | None, typer.Option(help="Title of the page.")] = None,
    overlay: Overlay = None,
    tiles: Tiles = "",
    design: RunName = None,
    location: LocationName = None,
) -> None:
    """Show the catalog in a browser: the page of `epicat report`, with review, from a server.

    The server listens on this machine only, and answers requests with the token of the printed
    address.  It also is an FDSN event web service.  Ctrl-C ends it.
    """
    try:
        import starlette  # noqa: F401 - the message below is clearer
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise InputError("`epicat view` needs: pip install 'epicat[view]'") from error
    from epicat.catalog.catalog import open_catalog
    from epicat.store.open import open_store
    from epicat.viewer.basemap import read_overlay
    from epicat.viewer.page_data import PageOptions, check_tiles
    from epicat.viewer.server.listen import guard_for, read_password, serve
    from epicat.viewer.server.session import Session

    guard = guard_for(host, read_password(password) if password else "", tuple(names or ()))
    options = PageOptions(title, read_overlay(overlay) if overlay else (), check_tiles(tiles))
    place = make_options(StoreOptions, given).store
    catalog = open_catalog(place, design, places=location)
    report_selection(catalog.selection, design)
    report_location(catalog, location)
    session = Session(catalog, open_store(place), options)
    serve(session, host, port, guard, lambda line: typer.echo(line, err=True))
