"""Stations: lists in CSV, StationXML, the FDSN station service; which of them a campaign takes."""

from epicat.stations.csv import read_stations
from epicat.stations.inventory import with_names
from epicat.stations.load import find_stations
from epicat.stations.s3 import bucket_opener
from epicat.stations.select import Patterns, select

__all__ = [
    "Patterns",
    "bucket_opener",
    "find_stations",
    "read_stations",
    "select",
    "with_names",
]
