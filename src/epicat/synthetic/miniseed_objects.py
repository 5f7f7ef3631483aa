"""Objects of an archive: names in each layout, miniSEED 2 records, atomic or damaged files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import IO, Final

import numpy as np
from numpy.typing import NDArray
from pymseed import DataEncoding, MS3Record, nslc2sourceid

from epicat._util.files import atomic_file
from epicat.archive.layouts import LAYOUTS
from epicat.errors import InputError, NameChoiceError
from epicat.synthetic.faults import damage
from epicat.time import SECOND_NS, day_name

__all__ = ["KEYS", "Packer", "atomic_object", "check_layout", "key_of"]

I32 = NDArray[np.int32]


def _ncedc(net: str, sta: str, loc: str, cha: str, day: date) -> str:
    name = day_name(day)
    return f"{LAYOUTS['ncedc'].prefix(net, sta, day)}{sta}.{net}.{cha}.{loc}.D.{name}"


def _scedc(net: str, sta: str, loc: str, cha: str, day: date) -> str:
    codes = f"{net:_<2}{sta:_<5}{cha}{loc:_<2}"
    return f"{LAYOUTS['scedc'].prefix(net, sta, day)}{codes}_{day_name(day).replace('.', '')}.ms"


def _earthscope(net: str, sta: str, loc: str, cha: str, day: date) -> str:
    del loc, cha
    return f"{LAYOUTS['earthscope'].prefix(net, sta, day)}{sta}.{net}.{day_name(day)}"


def _geonet(net: str, sta: str, loc: str, cha: str, day: date) -> str:
    name = day_name(day)
    return f"{LAYOUTS['geonet'].prefix(net, sta, day)}{name}.{sta}.{loc}-{cha}.{net}.D"


def _sds(net: str, sta: str, loc: str, cha: str, day: date) -> str:
    name = f"{net}.{sta}.{loc}.{cha}.D.{day_name(day)}"
    return f"{LAYOUTS['sds'].prefix(net, sta, day)}{cha}.D/{name}"


def _files(net: str, sta: str, loc: str, cha: str, day: date) -> str:
    del loc, cha
    return f"{net}.{sta}/{day.isoformat()}.mseed"


KEYS: Final[Mapping[str, Callable[[str, str, str, str, date], str]]] = {
    "ncedc": _ncedc,
    "scedc": _scedc,
    "earthscope": _earthscope,
    "geonet": _geonet,
    "sds": _sds,
    "files": _files,
}
"""Object name of a channel-day, by layout; in some layouts, channels share an object."""


def check_layout(layout: str) -> None:
    """Raise `NameChoiceError` for an unknown layout."""
    if layout not in KEYS:
        raise NameChoiceError("layout", layout, KEYS)


def key_of(layout: str, nslc: tuple[str, str, str, str], day: date) -> str:
    """Return the object name of a channel-day; raise `NameChoiceError` for an unknown layout."""
    check_layout(layout)
    return KEYS[layout](*nslc, day)


class Packer:
    """Packs one channel in full Steim2 records, as digitizers send them; the rest stays pending."""

    def __init__(self, nslc: tuple[str, str, str, str], rate: int, record_length: int) -> None:
        self._rate = rate
        self._record = MS3Record(reclen=record_length, encoding=DataEncoding.STEIM2)
        self._record.sourceid = nslc2sourceid(*nslc)
        self._record.formatversion = 2
        self._record.samprate = rate
        self._record.pubversion = 2  # quality D is 2: data of undetermined state
        self._pending = np.empty(0, np.int32)
        self._start_ns = 0

    def add(self, start_ns: int, samples: I32) -> bytes:
        """Return the full records of pending and new samples.

        At a gap, the pending samples are written as a separate record.
        """
        before = b""
        pending_ns = len(self._pending) * SECOND_NS // self._rate
        if abs(start_ns - pending_ns - self._start_ns) > SECOND_NS // self._rate // 2:
            before, pending_ns = self.flush(), 0
        # Time is taken from the new samples; the pending ones precede them.
        start = start_ns - pending_ns
        values = np.concatenate([self._pending, samples])
        records = self._records(start, values)
        if not records:
            return before
        left = MS3Record.parse(records[-1]).samplecnt
        self._pending = values[len(values) - left :]
        self._start_ns = start + (len(values) - left) * SECOND_NS // self._rate
        return before + b"".join(records[:-1])

    def flush(self) -> bytes:
        """Return the pending samples as a last record."""
        records = self._records(self._start_ns, self._pending)
        self._pending = np.empty(0, np.int32)
        return b"".join(records)

    def _records(self, start_ns: int, samples: I32) -> list[bytes]:
        if not len(samples):
            return []
        self._record.starttime = start_ns
        with self._record.with_datasamples(np.ascontiguousarray(samples, np.int32), "i"):
            return list(self._record.generate())


@contextmanager
def atomic_object(path: Path, fault: str = "") -> Iterator[IO[bytes]]:
    """Write a file atomically and create its folder; ``fault`` (corrupt, empty) damages it.

    Raises `InputError` if the folder cannot be created.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be written: {error.strerror or error}") from error
    with atomic_file(path, "wb") as file:
        if not fault:
            yield file
            return
        intact = BytesIO()
        yield intact
        if fault != "empty":
            file.write(damage(intact.getvalue(), len(path.name)))
