"""Results as pandas data frames and ObsPy catalogs."""

from __future__ import annotations

from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from epicat.catalog.catalog import Catalog
from epicat.catalog.results import Events, Picks
from epicat.errors import InputError
from epicat.export.quakeml import write_quakeml
from epicat.export.quakes import Part
from epicat.model import Station
from epicat.table_rows import stations_table
from epicat.tables import STATIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["to_obspy", "to_pandas"]


def to_pandas(results: Picks | Events | Catalog | pa.Table | Sequence[Station]) -> Any:
    """Return picks, events, stations or any table of a catalog as a `pandas.DataFrame`.

    Times are aware UTC with nanoseconds.  A `Catalog` gives its events.  Raises `InputError` if
    pandas is not installed.

    Examples
    --------
    >>> import epicat as ec
    >>> events = ec.to_pandas(ec.open_catalog("catalog"))
    >>> str(events["time"].dtype)
    'datetime64[ns, UTC]'

    """
    try:
        import pandas as pd  # noqa: F401 - Arrow imports it without such a message
    except ImportError as error:
        raise InputError("data frames need pandas: pip install pandas") from error
    if isinstance(results, pa.Table):
        table = results
    elif isinstance(results, Catalog):
        table = results.events()
    elif isinstance(results, (Picks, Events)):
        table = results.table()
    else:
        table = stations_table(results)
    return table.to_pandas()


def to_obspy(results: Events | Catalog, stations: Iterable[Station] = ()) -> Any:
    """Return events as an `obspy.Catalog` with origins, arrivals and picks.

    The content is that of the QuakeML export.  ``stations`` add the channel's full location
    where they name it; a `Catalog` knows its own.  Raises `InputError` if ObsPy is not installed.

    Examples
    --------
    >>> import epicat as ec
    >>> found = ec.to_obspy(ec.open_catalog("catalog"))
    >>> found[0].preferred_origin_id == found[0].origins[0].resource_id
    True

    """
    try:
        from obspy import read_events
        from obspy.core.event import Catalog as ObspyCatalog
    except ImportError as error:
        raise InputError("ObsPy catalogs need ObsPy: pip install 'epicat[obspy]'") from error
    if isinstance(results, Catalog):
        parts, rows = results.parts(), results.stations()
    else:
        parts = [Part(results.table(), results.arrivals(), results.picks)]
        rows = stations_table(stations) if stations else STATIONS.empty_table()
    text = StringIO()
    written = write_quakeml(parts, rows, text)
    if not written.events:
        return ObspyCatalog()
    return read_events(BytesIO(text.getvalue().encode()), format="QUAKEML")
