"""Stations: lists in CSV, StationXML, the FDSN station service; which of them a campaign takes."""

from epicat.archive.stations.bucket import bucket_opener
from epicat.archive.stations.choose import Patterns, select
from epicat.archive.stations.find import find_stations
from epicat.archive.stations.places import with_names
from epicat.archive.stations.table import read_stations

__all__ = [
    "Patterns",
    "bucket_opener",
    "find_stations",
    "read_stations",
    "select",
    "with_names",
]
