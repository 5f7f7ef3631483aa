"""Nine minutes of the 2014 dyke intrusion at Holuhraun, Iceland: QuakeMigrate's benchmark data.

27 files with windows of 33 s around events, which overlap and leave gaps, of 12 stations with
three components at 100 Hz; a station list and a velocity model.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final

from epicat._util.files import atomic_file
from epicat.examples.download import read_registry
from epicat.examples.example import ARCHIVE, SOURCE, Example

__all__ = ["HOLUHRAUN"]

_REPOSITORY: Final = "QuakeMigrate/QuakeMigrate"
_COMMIT: Final = "d2ae7c0a148a1e558324b273971f3b31cfff1daf"
_NETWORK: Final = "Z7"
"""Of all stations, which the station list does not say and the waveforms do."""
_METERS: Final = 1000
_CAMPAIGN: Final = f"""\
start = 2014-08-24
end = 2014-08-25                         # exclusive
extent = [64.4, 65.3, -17.6, -15.9]      # minlat, maxlat, minlon, maxlon
archive = "{ARCHIVE}"
layout = "files"                         # miniSEED under any names
stations = "stations.csv"
store = "catalog"

[pick]
model = "{{model}}"
weight = "{{weight}}"

[associate]
velocity = "{SOURCE}/iceland_vmodel.txt"
"""


def _write_stations(folder: Path) -> None:
    """Write the station list in epicat's columns; the source has kilometres and no network."""
    with (folder / SOURCE / "iceland_stations.txt").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with atomic_file(folder / "stations.csv", "w") as target:
        target.write("id,latitude,longitude,elevation\n")
        for row in rows:
            meters = float(row["Elevation"]) * _METERS
            place = f"{row['Latitude']},{row['Longitude']},{meters:.0f}"
            target.write(f"{_NETWORK}.{row['Name']},{place}\n")


HOLUHRAUN: Final = Example(
    name="holuhraun",
    title="Holuhraun, Iceland, 24 August 2014: 12 stations, 9 minutes",
    origin=f"https://github.com/{_REPOSITORY}, commit {_COMMIT[:10]}",
    base_url=f"https://raw.githubusercontent.com/{_REPOSITORY}/{_COMMIT}",
    licence="GNU GPL 3, the developers of QuakeMigrate",
    citation="QuakeMigrate, https://doi.org/10.5281/zenodo.4442749",
    files=read_registry("holuhraun"),
    waveform_suffix=".m",
    write_inputs=_write_stations,
    campaign=_CAMPAIGN,
)
"""The example ``holuhraun``."""
