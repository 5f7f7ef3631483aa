"""Waveforms of the record section: the right samples, and few bytes."""

from __future__ import annotations

import re
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("starlette")

from epicat.archive.access import Access
from epicat.archive.objects import LocalFolder
from epicat.archive.s3 import Bucket
from epicat.campaign.recorded_access import recorded_access
from epicat.catalog.catalog import open_catalog
from epicat.ledger import ObjectRead, StationDayEntry, Status
from epicat.model import Span
from epicat.store.invocations import Invocation, record_invocation
from epicat.store.open import open_store
from epicat.time import DAY_NS, parse_time
from epicat.viewer.server.record_ranges import LARGEST, read_span
from epicat.viewer.server.sources import Sources
from epicat.viewer.server.waveforms import Reading, _joined, _shown, read_waveforms
from epicat.waveforms.records import decode
from support.catalog_store import RUN, Wanted, write_store
from support.fdsn_server import DataCenter, silent, status
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


def vertical_first(codes):
    return codes.channel != "HHZ", 0


@pytest.fixture(scope="module")
def station_day(tmp_path_factory):
    """An object of all channels of a station-day, channel after channel, as EarthScope has them."""
    root = tmp_path_factory.mktemp("station_day")
    rng = np.random.default_rng(1)
    samples = {}
    for code in ("BHE", "BHZ", "HHE", "HHN", "HHZ", "LHZ"):
        rate = {"B": 4.0, "H": 20.0, "L": 1.0}[code[0]]
        samples[code] = rng.integers(-(2**20), 2**20, int(86400 * rate))
        write_mseed(root / "all", (*CODES[:3], code), [(samples[code], DAY)], rate)
    return root, samples


@settings(max_examples=30, deadline=None)
@given(start=st.integers(0, 86399), length=st.integers(1, 120))
def test_of_a_large_object_of_several_channels_only_the_wanted_records_are_read(
    station_day, start, length
):
    root, samples = station_day
    source = Counted(root)
    assert source.size("all") > 10 * LARGEST
    span = Span(DAY + start * SECOND, DAY + (start + length) * SECOND)
    body = read_span(source, "all", span, vertical_first)
    (channel, records), *others = decode(body, "XX", "S01", span).channels.items()
    assert not others
    assert (channel.band, channel.component) == ("HH", "Z")
    _, found = _joined(records, RATE, span)
    expected = samples["HHZ"][int(start * RATE) : int((start + length) * RATE)]
    assert np.array_equal(found[: len(expected)], expected)
    assert source.bytes_read < 25_000 + 8 * length * RATE
    assert source.requests < 200


def test_large_objects_with_channels_in_turn_are_not_read(tmp_path):
    samples = np.random.default_rng(1).integers(-(2**30), 2**30, 200_000)
    parts = []
    for component in "ZNE":
        write_mseed(tmp_path / component, (*CODES[:3], f"HH{component}"), [(samples, DAY)], 100.0)
        content = (tmp_path / component).read_bytes()
        parts.append(np.frombuffer(content, np.uint8).reshape(-1, 512))
    (tmp_path / "mixed").write_bytes(np.stack(parts, axis=1).tobytes())
    source = Counted(tmp_path)
    assert source.size("mixed") > LARGEST
    assert read_span(source, "mixed", Span(DAY, DAY + SECOND), vertical_first) is None
    assert source.bytes_read < 50_000


def test_the_page_says_why_a_large_object_is_not_read(tmp_path):
    samples = np.random.default_rng(1).integers(-(2**30), 2**30, 300_000)
    (tmp_path / "a").mkdir()
    write_mseed(tmp_path / "a" / "backwards", CODES, [(samples, DAY)], 100.0)
    path = tmp_path / "a" / "backwards"
    path.write_bytes(np.frombuffer(path.read_bytes(), np.uint8).reshape(-1, 512)[::-1].tobytes())
    catalog = catalog_at(tmp_path / "store", ["S01"], str(tmp_path / "a"), "sds", ["backwards"])
    found = read_waveforms(catalog, [Reading("XX.S01", 1.0)], Span(DAY, DAY + SECOND))
    assert found["traces"] == []
    (note,) = found["notes"]
    assert re.fullmatch(r"backwards \(\d MB\) is not read: .* more than 1 MB", note)


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


def catalog_at(store, names, archive, layout, keys=(), access=None):
    """A catalog without events whose station-days were read from an archive."""
    write_store(store, Wanted(events=0, stations=tuple(names)))
    opened = open_store(str(store))
    objects = [(ObjectRead(key, "etag"),) for key in keys] or [()] * len(names)
    opened.mark([
        StationDayEntry(RUN, f"XX.{name}/2020.001", Status.DONE, "g", DAY, archive=archive,
                        layout=layout, objects=some, channels="00.HH[ZNE]")
        for name, some in zip(names, objects, strict=True)
    ])  # fmt: skip
    if access:
        record_invocation(opened, Invocation(RUN, archive=archive, layout=layout, access=access))
    return open_catalog(store)


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
    catalog = catalog_at(tmp_path / "store", names, location, "sds", objects)
    bucket = CountedBucket(location, Access(endpoint=s3_server.endpoint))

    class Counting(Sources):
        def opened(self, location):
            return bucket

    readings = [Reading(f"XX.{name}", 10.0 + n) for n, name in enumerate(names)]
    span = Span(DAY + 50_000 * SECOND, DAY + 50_060 * SECOND)
    found = read_waveforms(catalog, readings, span, Counting())
    assert found["notes"] == []
    assert [trace["trace"] for trace in found["traces"]] == [f"XX.{n}.00.HHZ" for n in names]
    assert set(bucket.read) == set(objects)
    assert max(sum(sizes) for sizes in bucket.read.values()) < 20_000
    assert max(len(sizes) for sizes in bucket.read.values()) < 40


def test_buckets_are_accessed_as_on_record(tmp_path, folder, s3_server, monkeypatch):
    location = s3_server.make("recorded", {"day": (folder / "day").read_bytes()})
    access = {"region": "us-east-1", "endpoint": s3_server.endpoint, "signed": False}
    catalog = catalog_at(tmp_path / "store", ["S01"], location, "sds", ["day"], access)
    assert recorded_access(catalog.store, RUN) == {location: Access(endpoint=s3_server.endpoint)}
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    span = Span(DAY + 5000 * SECOND, DAY + 5060 * SECOND)
    found = read_waveforms(catalog, [Reading("XX.S01", 1.0)], span)
    assert found["notes"] == []
    assert len(found["traces"]) == 1


NAMES = ("S01", "S02", "S03")


@pytest.fixture
def center(tmp_path, monkeypatch):
    """A data center with two of three stations."""
    monkeypatch.setenv("EPICAT_CACHE", str(tmp_path / "cache"))
    samples = np.random.default_rng(3).integers(-999, 999, int(600 * RATE))
    waveforms = {}
    (tmp_path / "sent").mkdir()
    for name in NAMES[:2]:
        for component in "ZN":
            codes = ("XX", name, "00", f"HH{component}")
            path = tmp_path / "sent" / ".".join(codes)
            write_mseed(path, codes, [(samples, DAY)], RATE)
            waveforms[path.name] = path.read_bytes()
    with DataCenter(waveforms).serving() as server:
        yield server


def test_waveforms_of_a_data_center_take_one_request(tmp_path, center):
    catalog = catalog_at(tmp_path / "store", NAMES, f"fdsn:{center.url}", "fdsn")
    span = Span(DAY + 100 * SECOND, DAY + 130 * SECOND)
    readings = [Reading(f"XX.{name}", 10.0 + n) for n, name in enumerate(NAMES)]
    found = read_waveforms(catalog, readings, span)
    assert [trace["trace"] for trace in found["traces"]] == ["XX.S01.00.HHZ", "XX.S02.00.HHZ"]
    assert found["notes"] == ["XX.S03 has no waveforms of this time in its archive"]
    assert found["traces"][0]["start"] == span.start_ns / 1e9
    (query,) = center.queries
    assert query["sta"] == "S01,S02,S03"
    assert query["cha"] == "HHZ"
    assert [query[end][:19] for end in ("start", "end")] == [
        "2020-01-01T00:01:40",
        "2020-01-01T00:02:10",
    ]


@pytest.mark.parametrize(
    ("fault", "said"),
    [(silent, "no answer in time"), (status(503), "503"), (status(403), "credentials"),
     (status(413), "too large")],
)  # fmt: skip
def test_the_page_says_why_a_data_center_gave_no_waveforms(
    tmp_path, center, fault, said, monkeypatch
):
    monkeypatch.setenv("EPICAT_STALL", "0.5")
    center.always = fault
    catalog = catalog_at(tmp_path / "store", NAMES, f"fdsn:{center.url}", "fdsn")
    readings = [Reading(f"XX.{name}", 10.0) for name in NAMES]
    found = read_waveforms(catalog, readings, Span(DAY, DAY + 30 * SECOND))
    assert found["traces"] == []
    (note,) = found["notes"]
    assert center.url in note
    assert said in note
    assert len(center.queries) == 1


def test_shown_traces_are_thin_and_between_minus_one_and_one():
    samples = np.sin(np.arange(20_000) / 5.0) * 1e6
    samples[3000:4000] = np.nan
    shown = _shown("XX.S01.00.HHZ", 12.0, DAY, samples, 100.0)
    values = np.array(shown["samples"])
    assert len(values) < 1400
    assert np.isfinite(values).all()
    assert np.abs(values).max() == pytest.approx(1.0)
    assert shown["step"] * len(values) == pytest.approx(200.0, rel=0.01)
