"""Counts to miniSEED 2 records in Steim2, full ones, as digitisers send them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pymseed import DataEncoding, MS3Record, nslc2sourceid

from epicat.time import SECOND_NS

__all__ = ["Packer"]

I32 = NDArray[np.int32]


class Packer:
    """Records of one channel.  What does not fill a record waits for the next samples."""

    def __init__(self, nslc: tuple[str, str, str, str], rate: int, record_length: int) -> None:
        self._rate = rate
        self._record = MS3Record(reclen=record_length, encoding=DataEncoding.STEIM2)
        self._record.sourceid = nslc2sourceid(*nslc)
        self._record.formatversion = 2
        self._record.samprate = rate
        self._record.pubversion = 2  # quality D is 2: data of undetermined state
        self._waiting = np.empty(0, np.int32)
        self._start_ns = 0

    def add(self, start_ns: int, samples: I32) -> bytes:
        """Return the full records of what waits and of the next samples.

        After a gap what waits is a record of its own.
        """
        before = b""
        waiting_ns = len(self._waiting) * SECOND_NS // self._rate
        if abs(start_ns - waiting_ns - self._start_ns) > SECOND_NS // self._rate // 2:
            before, waiting_ns = self.flush(), 0
        # The clock is read at the newest samples; those that wait were taken a little earlier.
        start = start_ns - waiting_ns
        values = np.concatenate([self._waiting, samples])
        records = self._records(start, values)
        if not records:
            return before
        left = MS3Record.parse(records[-1]).samplecnt
        self._waiting = values[len(values) - left :]
        self._start_ns = start + (len(values) - left) * SECOND_NS // self._rate
        return before + b"".join(records[:-1])

    def flush(self) -> bytes:
        """Return the last record; nothing waits any more."""
        records = self._records(self._start_ns, self._waiting)
        self._waiting = np.empty(0, np.int32)
        return b"".join(records)

    def _records(self, start_ns: int, samples: I32) -> list[bytes]:
        if not len(samples):
            return []
        self._record.starttime = start_ns
        with self._record.with_datasamples(np.ascontiguousarray(samples, np.int32), "i"):
            return list(self._record.generate())
