"""Waveforms of a web service that are kept as SDS, so that they are requested once only."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import date
from pathlib import Path

from epicat._util.files import atomic_file
from epicat.errors import InputError, ObjectError
from epicat.fs.base import leads_out
from epicat.miniseed import records_by_channel
from epicat.time import day_name

__all__ = ["KeptWaveforms"]


class KeptWaveforms:
    """A folder in the SDS layout, with a list of the files of each station-day that was fetched.

    Files come first and the list last, so that a station-day is either complete or requested
    again.  The lists are in ``.epicat``; the folder can also be used as ``--layout sds``.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            (folder / ".epicat").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"--keep {str(folder)!r} cannot be created: {error.strerror}"
            ) from error

    def load(self, network: str, station: str, day: date) -> bytes | None:
        """Return what was kept of a station-day, possibly nothing; None if it was not fetched."""
        try:
            names = json.loads(self._list(network, station, day).read_text(encoding="utf-8"))
            return b"".join((self._folder / name).read_bytes() for name in names)
        except (OSError, ValueError, TypeError):
            return None

    def save(self, network: str, station: str, day: date, body: bytes) -> None:
        """Keep what was fetched of a station-day.

        Files that are there with another content are left alone; the station-day is then
        requested again the next time.  Raises `ObjectError` if nothing can be written.
        """
        names = []
        for codes, content in sorted(records_by_channel(body).items()):
            name = _sds_name(codes, day)
            if leads_out(name):
                continue
            path = self._folder / name
            with suppress(OSError):
                if path.read_bytes() != content:
                    return
            self._write(path, content)
            names.append(name)
        self._write(self._list(network, station, day), json.dumps(names).encode())

    def _list(self, network: str, station: str, day: date) -> Path:
        return self._folder / ".epicat" / f"{network}.{station}.{day_name(day)}.json"

    def _write(self, path: Path, content: bytes) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_file(path, "wb") as file:
                file.write(content)
        except (OSError, InputError) as error:
            raise ObjectError(
                str(path), f"--keep cannot write it: {error}", may_pass=True
            ) from error


def _sds_name(codes: tuple[str, str, str, str], day: date) -> str:
    network, station, location, channel = codes
    folder = f"{day.year:04d}/{network}/{station}/{channel}.D"
    return f"{folder}/{network}.{station}.{location}.{channel}.D.{day_name(day)}"
