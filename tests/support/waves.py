"""Waveforms for tests: miniSEED as bytes, and an archive in memory."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from datetime import date
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pymseed import DataEncoding, MS3Record, nslc2sourceid

from epicat.archive.objects import StoredObject
from epicat.errors import ObjectError
from epicat.model import Span, digest_of
from epicat.time import day_name, day_start
from epicat.waveforms.grid import Grid
from epicat.waveforms.traces import Clock, Trace

SECOND = 10**9
DAY = date(2019, 6, 21)
MIDNIGHT = day_start(DAY)
AROUND = Span(MIDNIGHT - 2 * 86_400 * SECOND, MIDNIGHT + 2 * 86_400 * SECOND)

_KINDS = {"i": DataEncoding.STEIM2, "f": DataEncoding.FLOAT32, "d": DataEncoding.FLOAT64}


def counts(n: int, seed: int = 0, step: int = 50) -> NDArray[np.int32]:
    """A random walk, which compresses like seismometer counts."""
    return np.cumsum(np.random.default_rng(seed).integers(-step, step, n)).astype(np.int32)


def records(
    samples: ArrayLike,
    start_ns: int = MIDNIGHT,
    rate: float = 100.0,
    nslc: str = "XX.AAA..HHZ",
    *,
    version: int = 2,
    reclen: int = 512,
    encoding: DataEncoding | None = None,
) -> list[bytes]:
    """miniSEED records of contiguous samples; the kind of the samples decides the encoding."""
    values = np.asarray(samples)
    letter = {"f4": "f", "f8": "d"}.get(values.dtype.str[1:], "i")
    record = MS3Record()
    record.sourceid = nslc2sourceid(*nslc.split("."))
    record.formatversion = version
    record.reclen = reclen
    record.starttime = start_ns
    record.samprate = rate
    record.pubversion = 1
    record.encoding = _KINDS[letter] if encoding is None else encoding
    values = np.ascontiguousarray(values, {"i": np.int32, "f": np.float32, "d": np.float64}[letter])
    with record.with_datasamples(values, letter):
        return list(record.generate())


def mseed(samples: ArrayLike, *args: object, **options: object) -> bytes:
    """The records of `records` as one object."""
    return b"".join(records(samples, *args, **options))  # type: ignore[arg-type]


def text_record(nslc: str = "XX.AAA..LOG") -> bytes:
    """A record of a log: text, no samples a second."""
    record = MS3Record()
    record.sourceid = nslc2sourceid(*nslc.split("."))
    record.formatversion, record.reclen, record.starttime = 2, 512, MIDNIGHT
    record.encoding = DataEncoding.TEXT
    with record.with_datasamples("the clock was locked " * 5, "t"):
        return b"".join(record.generate())


def little_endian(record: bytes) -> bytes:
    """A big-endian miniSEED 2 record of INT32 samples, bytes swapped."""
    formats = {100: "f", 1000: "BBBx", 1001: "BbxB"}
    header = struct.unpack(">HHBBBBHHhhBBBBiHH", record[20:48])
    swapped = bytearray(record)
    swapped[20:48] = struct.pack("<HHBBBBHHhhBBBBiHH", *header)
    at = header[-1]
    while at:
        kind, following = struct.unpack(">HH", record[at : at + 4])
        form = formats[kind]
        size = struct.calcsize(">" + form)
        body = list(struct.unpack(">" + form, record[at + 4 : at + 4 + size]))
        if kind == 1000:
            body[1] = 0  # little-endian
        swapped[at : at + 4 + size] = struct.pack("<HH" + form, kind, following, *body)
        at = following
    begin, number = header[-2], header[7]
    samples = np.frombuffer(record, ">i4", number, begin)
    swapped[begin : begin + 4 * number] = samples.astype("<i4").tobytes()
    return bytes(swapped)


def sds_key(nslc: str, day: date) -> str:
    net, sta, loc, cha = nslc.split(".")
    return f"{day.year:04d}/{net}/{sta}/{cha}.D/{net}.{sta}.{loc}.{cha}.D.{day_name(day)}"


def ncedc_key(nslc: str, day: date) -> str:
    net, sta, loc, cha = nslc.split(".")
    name = day_name(day)
    return f"continuous_waveforms/{net}/{day.year:04d}/{name}/{sta}.{net}.{cha}.{loc}.D.{name}"


def trace_of(
    samples: ArrayLike, first: int, rate: Fraction = Fraction(100), offset_ns: int = 0
) -> Trace:
    """A trace as `merge` would give it."""
    clock = Clock(np.array([first], np.int64), np.array([offset_ns], np.int64))
    return Trace(rate, first, np.asarray(samples), clock)


def index_of(time_ns: int, rate: Fraction = Fraction(100)) -> int:
    return Grid(rate).index(time_ns)


class MemorySource:
    """A storage in memory that counts how often each object is read."""

    def __init__(self, objects: Mapping[str, bytes], location: str = "memory") -> None:
        self.objects = dict(objects)
        self.location = location
        self.reads: list[str] = []
        self.listings: list[str] = []
        self.broken: dict[str, str] = {}
        self.passing: set[str] = set()

    def list(self, prefix: str) -> Iterator[StoredObject]:
        self.listings.append(prefix)
        # In no order, as storage may.
        for key in sorted(self.objects, reverse=True):
            if key.startswith(prefix):
                body = self.objects[key]
                yield StoredObject(key, len(body), digest_of(body))

    def read(self, key: str, size: int | None = None) -> bytes:
        self.reads.append(key)
        if key in self.broken:
            raise ObjectError(key, self.broken[key], may_pass=self.broken[key] in self.passing)
        return self.objects[key]
