"""Stations: lists in many formats, StationXML, FDSN web services; which ones a campaign takes."""

from epicat.stations.inventory import move_messages, with_names
from epicat.stations.load import (
    bucket_opener,
    find_responses,
    find_stations,
    find_stations_and_responses,
    read_stations,
)
from epicat.stations.select import Patterns, select

__all__ = [
    "Patterns",
    "bucket_opener",
    "find_responses",
    "find_stations",
    "find_stations_and_responses",
    "move_messages",
    "read_stations",
    "select",
    "with_names",
]
