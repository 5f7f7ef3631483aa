"""Sound objects to be damaged: the tiny network's own, and real ones where they are."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pymseed

from epicat.time import day_name
from faults.objects.headers import changed, records_of, renamed
from support.tiny_network import stations, truths, write_network

__all__ = ["COMPANIONS", "SOURCE", "Sound", "sounds"]

SOURCE = "ST00"
"""The station of the tiny network whose waveforms the bad stations have."""
COMPANIONS = ("HHN", "HHE")
"""Channels that stay sound beside the bad one."""

_DAYS = (date(2020, 1, 1), date(2020, 1, 2))
_REAL = {
    "holuhraun/waveforms/Z7.DYJN..HHZ__20140824T000100Z.mseed": slice(0, 6),
    "holuhraun/waveforms/Z7.LIND..HHZ__20140824T000100Z.mseed": slice(8, 16),
    "scedc/objects/CICCA__BHN___2022002.ms": slice(300, 330),
    "scedc/objects/CIHEC__BHN___2022002.ms": slice(4000, 4030),
}
"""Real objects, and which of their records: minutes, so that a thousand objects take minutes."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A sound object: some records of a vertical component."""

    name: str
    """Where it comes from."""
    day: date
    """The UTC day that it is filed under."""
    records: tuple[bytes, ...]
    """The records, of one channel."""

    def of(self, station: str) -> tuple[bytes, ...]:
        """Return the records as those of another station."""
        return tuple(renamed(record, station=station) for record in self.records)


def sounds(folder: Path) -> list[Sound]:
    """Write the tiny network into a folder, and return sound objects of several makes.

    Real ones keep their time of the day and their samples; names and the date are the network's.
    """
    write_network(folder, truths([-600, -250, 90, 480]))
    found = [
        Sound(f"tiny {day_name(day)}", day, records_of(path.read_bytes()))
        for day in _DAYS
        for path in [path_of(folder, SOURCE, "HHZ", day)]
    ]
    found += [_real(path, which) for path, which in _real_files()]
    return [*found, *(_again(sound, 3, np.int32) for sound in found),
            *(_again(sound, 2, np.float32) for sound in found[:2])]  # fmt: skip


def path_of(folder: Path, station: str, channel: str, day: date) -> Path:
    """Return where the tiny network's archive keeps an object."""
    location = stations()[0].location
    name = f"XX.{station}.{location}.{channel}.D.{day_name(day)}"
    return folder / "sds" / f"{day:%Y}" / "XX" / station / f"{channel}.D" / name


def _real_files() -> list[tuple[Path, slice]]:
    given = os.environ.get("EPICAT_REALDATA")
    root = Path(given) if given else Path(__file__).resolve().parents[4] / "shared" / "data"
    return [(root / name, which) for name, which in _REAL.items() if (root / name).is_file()]


def _real(path: Path, which: slice) -> Sound:
    day = _DAYS[1]
    codes = {"network": "XX", "station": SOURCE, "location": "00", "channel": "HHZ"}
    records = records_of(path.read_bytes())[which]
    own = (renamed(record, **codes) for record in records)
    date_of = {"year": day.year, "day": day.timetuple().tm_yday}
    return Sound(path.name, day, tuple(changed(record, **date_of) for record in own))


def _again(sound: Sound, version: int, kind: type[np.generic]) -> Sound:
    """Return the same records in another version or encoding, one by one."""
    return Sound(
        f"{sound.name}, version {version}, {kind.__name__}",
        sound.day,
        tuple(part for record in sound.records for part in _packed(record, version, kind)),
    )


def _packed(body: bytes, version: int, kind: type[np.generic]) -> list[bytes]:
    old = pymseed.MS3Record.parse(body, unpack_data=True)
    record = pymseed.MS3Record()
    record.sourceid, record.starttime, record.samprate = old.sourceid, old.starttime, old.samprate
    record.formatversion, record.reclen, record.pubversion = version, 512, 1
    record.encoding = (
        pymseed.DataEncoding.FLOAT32 if kind is np.float32 else pymseed.DataEncoding.STEIM2
    )
    samples = np.ascontiguousarray(np.array(old.np_datasamples), kind)
    with record.with_datasamples(samples, "f" if kind is np.float32 else "i"):
        return list(record.generate())
