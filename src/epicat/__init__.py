"""epicat: from continuous seismic waveforms to an earthquake catalog.

The names below are the Python API.  Each is imported when it is first used, so that
``import epicat`` takes milliseconds and needs neither OpenVINO nor PyOcto::

    import epicat as ec

    picker = ec.load_picker("PhaseNet", "original")
    picks = ec.pick_stream(stream, picker)
    events = ec.associate(picks, ec.load_stations("stations.csv"))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from epicat._version import __version__ as __version__

if TYPE_CHECKING:
    from epicat.api import load_picker, load_stations, open_archive, run
    from epicat.archive.archive import Archive
    from epicat.association.associate_options import AssociateOptions
    from epicat.association.fit_model import FittedModel
    from epicat.campaign.campaign import Campaign
    from epicat.campaign.options import CampaignOptions
    from epicat.campaign.resolve import resolve
    from epicat.catalog.catalog import Catalog, open_catalog
    from epicat.catalog.convert import to_obspy, to_pandas
    from epicat.catalog.overview import list_catalogs
    from epicat.catalog.results import Events, Picks
    from epicat.errors import (
        ArchiveError,
        EpicatError,
        InputError,
        ModelError,
        StoreError,
    )
    from epicat.geo import Extent
    from epicat.model import Arrival, Event, Pick, Span, Station
    from epicat.pick.picker import Picker
    from epicat.pipeline.in_memory.associate_picks import associate
    from epicat.pipeline.in_memory.fit_picks import fit_velocity
    from epicat.pipeline.in_memory.pick_stream import pick_stream
    from epicat.pipeline.runner import Listener
    from epicat.velocity.layers import LayerModel

__all__ = [
    "Archive",
    "ArchiveError",
    "Arrival",
    "AssociateOptions",
    "Campaign",
    "CampaignOptions",
    "Catalog",
    "EpicatError",
    "Event",
    "Events",
    "Extent",
    "FittedModel",
    "InputError",
    "LayerModel",
    "Listener",
    "ModelError",
    "Pick",
    "Picker",
    "Picks",
    "Span",
    "Station",
    "StoreError",
    "associate",
    "fit_velocity",
    "list_catalogs",
    "load_picker",
    "load_stations",
    "open_archive",
    "open_catalog",
    "pick_stream",
    "resolve",
    "run",
    "to_obspy",
    "to_pandas",
]

_MODULES = {
    "Archive": "archive.archive",
    "ArchiveError": "errors",
    "Arrival": "model",
    "AssociateOptions": "association.associate_options",
    "Campaign": "campaign.campaign",
    "CampaignOptions": "campaign.options",
    "Catalog": "catalog.catalog",
    "EpicatError": "errors",
    "Event": "model",
    "Events": "catalog.results",
    "Extent": "geo",
    "FittedModel": "association.fit_model",
    "InputError": "errors",
    "LayerModel": "velocity.layers",
    "Listener": "pipeline.runner",
    "ModelError": "errors",
    "Pick": "model",
    "Picker": "pick.picker",
    "Picks": "catalog.results",
    "Span": "model",
    "Station": "model",
    "StoreError": "errors",
    "associate": "pipeline.in_memory.associate_picks",
    "fit_velocity": "pipeline.in_memory.fit_picks",
    "load_picker": "api",
    "load_stations": "api",
    "open_archive": "api",
    "list_catalogs": "catalog.overview",
    "open_catalog": "catalog.catalog",
    "pick_stream": "pipeline.in_memory.pick_stream",
    "resolve": "campaign.resolve",
    "run": "api",
    "to_obspy": "catalog.convert",
    "to_pandas": "catalog.convert",
}


def __getattr__(name: str) -> Any:
    """Import a name of the API when it is first used."""
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module 'epicat' has no attribute {name!r}")
    value = getattr(import_module(f"epicat.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
