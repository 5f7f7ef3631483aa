"""Waveforms of the record section: the right samples, and few bytes."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("starlette")

from epicat.archive.access import Access
from epicat.archive.objects import LocalFolder
from epicat.archive.s3 import Bucket
from epicat.catalog.catalog import open_catalog
from epicat.ledger import ObjectRead, StationDayEntry, Status
from epicat.model import Span
from epicat.store.open import open_store
from epicat.time import DAY_NS, parse_time
from epicat.viewer.server.record_ranges import LARGEST, read_span
from epicat.viewer.server.waveforms import Reading, Sources, _joined, _shown, read_waveforms
from epicat.waveforms.records import decode
from support.catalog_store import RUN, Wanted, write_store
from support.tiny_network import write_mseed

DAY = parse_time("2020-01-01")
RATE = 20.0
SECOND = 1_000_000_000
CODES = ("XX", "S01", "00", "HHZ")


class Counted(LocalFolder):
    """A folder that counts what is read."""

    def __init__(self, root):
        super().__init__(root)
        self.bytes_read, self.requests = 0, 0

    def read_range(self, key, start, end):
        body = super().read_range(key, start, end)
        self.bytes_read += len(body)
        self.requests += 1
        return body


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A day of one channel with a gap, and one object of two channels."""
    root = tmp_path_factory.mktemp("archive")
    ramp = np.random.default_rng(1).integers(-9999, 9999, int(86400 * RATE))
    gap = slice(int(30000 * RATE), int(31000 * RATE))
    parts = [(ramp[: gap.start], DAY), (ramp[gap.stop :], DAY + 31000 * SECOND)]
    write_mseed(root / "day", CODES, parts, RATE)
    for component in "ZN":
        codes = (*CODES[:3], f"HH{component}")
        write_mseed(root / "two", codes, [(ramp[: int(600 * RATE)], DAY)], RATE)
    np.save(root / "ramp.npy", ramp)
    return root


@settings(max_examples=40, deadline=None)
@given(start=st.integers(-100, 86500), length=st.integers(1, 300))
def test_a_span_has_all_its_samples_from_few_bytes(folder, start, length):
    source = Counted(folder)
    span = Span(DAY + start * SECOND, DAY + (start + length) * SECOND)
    body = read_span(source, "day", span)
    found = decode(body, "XX", "S01", span).channels if body else {}
    records = [r for some in found.values() for r in some]
    _, samples = _joined(records, RATE, span)
    ramp = np.load(folder / "ramp.npy").astype(float)
    ramp[int(30000 * RATE) : int(31000 * RATE)] = np.nan
    expected = np.full(len(samples), np.nan)
    first = int(start * RATE)
    low, high = max(first, 0), min(first + len(samples), len(ramp))
    if low < high:
        expected[low - first : high - first] = ramp[low:high]
    assert np.array_equal(samples, expected, equal_nan=True)
    size = source.size("day")
    assert source.bytes_read < 0.01 * size + 8 * length * RATE + 4096
    assert source.requests < 40


def test_objects_of_several_channels_are_read_as_a_whole_if_they_are_small(folder):
    span = Span(DAY + 100 * SECOND, DAY + 110 * SECOND)
    body = read_span(Counted(folder), "two", span)
    channels = decode(body, "XX", "S01", span).channels
    assert sorted(channel.component for channel in channels) == ["N", "Z"]


def test_large_objects_of_several_channels_are_not_read(tmp_path):
    samples = np.random.default_rng(1).integers(-(2**30), 2**30, 200_000)
    for component in "ZN":
        write_mseed(tmp_path / "two", (*CODES[:3], f"HH{component}"), [(samples, DAY)], 100.0)
    source = Counted(tmp_path)
    assert source.size("two") > LARGEST
    assert read_span(source, "two", Span(DAY, DAY + SECOND)) is None
    assert source.bytes_read < 10_000


@pytest.mark.parametrize(
    "content", [b"", b"no miniSEED", b"\x00" * 5000, b"000001D " + b"\xff" * 504]
)
def test_anything_else_is_read_as_it_is(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    assert read_span(Counted(tmp_path), "file", Span(DAY, DAY + DAY_NS)) == content


def test_a_bucket_gives_the_same_bytes(folder, s3_server):
    address = s3_server.make("waves", {"day": (folder / "day").read_bytes()})
    bucket = Bucket(address, Access(endpoint=s3_server.endpoint))
    span = Span(DAY + 5000 * SECOND, DAY + 5060 * SECOND)
    assert read_span(bucket, "day", span) == read_span(Counted(folder), "day", span)


class CountedBucket(Bucket):
    """A bucket that counts what is read of each object."""

    def __init__(self, *given):
        super().__init__(*given)
        self.read = defaultdict(list)

    def read_range(self, key, start, end):
        body = super().read_range(key, start, end)
        self.read[key].append(len(body))
        return body


def test_an_event_at_thirty_stations_takes_little_of_a_bucket(tmp_path, s3_server):
    names = tuple(f"S{n:02d}" for n in range(30))
    samples = np.random.default_rng(2).integers(-2000, 2000, int(86400 * RATE))
    write_mseed(tmp_path / "day", CODES, [(samples, DAY)], RATE)
    records = np.frombuffer((tmp_path / "day").read_bytes(), np.uint8).reshape(-1, 512).copy()
    objects = {}
    for name in names:
        records[:, 8:13] = np.frombuffer(name.ljust(5).encode(), np.uint8)
        objects[f"XX.{name}.00.HHZ.D.2020.001"] = records.tobytes()
    location = s3_server.make("thirty", objects)
    write_store(tmp_path / "store", Wanted(events=0, stations=names))
    open_store(str(tmp_path / "store")).mark([
        StationDayEntry(RUN, f"XX.{name}/2020.001", Status.DONE, "g", DAY, archive=location,
                        layout="sds", objects=(ObjectRead(key, "etag"),), channels="00.HH[ZNE]")
        for name, key in zip(names, objects, strict=True)
    ])  # fmt: skip
    bucket = CountedBucket(location, Access(endpoint=s3_server.endpoint))

    class Counting(Sources):
        def opened(self, location):
            return bucket

    readings = [Reading(f"XX.{name}", 10.0 + n) for n, name in enumerate(names)]
    span = Span(DAY + 50_000 * SECOND, DAY + 50_060 * SECOND)
    catalog = open_catalog(tmp_path / "store")
    found = read_waveforms(catalog, readings, span, Counting())
    assert found["notes"] == []
    assert [trace["trace"] for trace in found["traces"]] == [f"XX.{n}.00.HHZ" for n in names]
    assert set(bucket.read) == set(objects)
    assert max(sum(sizes) for sizes in bucket.read.values()) < 20_000
    assert max(len(sizes) for sizes in bucket.read.values()) < 40


def test_shown_traces_are_thin_and_between_minus_one_and_one():
    samples = np.sin(np.arange(20_000) / 5.0) * 1e6
    samples[3000:4000] = np.nan
    shown = _shown("XX.S01.00.HHZ", 12.0, DAY, samples, 100.0)
    values = np.array(shown["samples"])
    assert len(values) < 1400
    assert np.isfinite(values).all()
    assert np.abs(values).max() == pytest.approx(1.0)
    assert shown["step"] * len(values) == pytest.approx(200.0, rel=0.01)
