"""Records that are legal, or unambiguous, but that libmseed alone does not read."""

from __future__ import annotations

import gzip
import struct
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pymseed import DataEncoding

from epicat.miniseed import station_spans
from epicat.waveforms.grid import Grid
from epicat.waveforms.records import Decoded, decode
from epicat.waveforms.traces import Trace, merge
from support.waves import AROUND, MIDNIGHT, SECOND, counts, little_endian, mseed, records

SAMPLES = counts(4000) % 5000
INTEGERS = [DataEncoding.STEIM1, DataEncoding.STEIM2, DataEncoding.INT32, DataEncoding.INT16]


def decoded(body: bytes, station: str = "AAA", network: str = "XX") -> Decoded:
    return decode(body, network, station, AROUND)


def trace_in(result: Decoded) -> Trace:
    """The only trace of the only channel."""
    ((channel, parts),) = result.channels.items()
    (trace,) = merge(parts, channel.rate)
    return trace


def blockettes(record: bytes | bytearray) -> dict[int, int]:
    at, found = struct.unpack(">H", record[46:48])[0], {}
    while at:
        kind, following = struct.unpack(">HH", record[at : at + 4])
        found[kind] = at
        at = following
    return found


def data_in_other_order(record: bytes) -> bytes:
    """A big-endian header with little-endian data, as blockette 1000 says."""
    begin = struct.unpack(">H", record[44:46])[0]
    swapped = bytearray(record)
    swapped[begin:] = little_endian(record)[begin:]
    swapped[blockettes(record)[1000] + 5] = 0
    return bytes(swapped)


def without_blockette_1000(record: bytes) -> bytes:
    """The record as old SEED volumes hold it: length and encoding are in the volume's headers."""
    bare = bytearray(record)
    at = blockettes(record)[1000]
    assert at == struct.unpack(">H", record[46:48])[0], "the first one"
    bare[46:48] = record[at + 2 : at + 4]
    bare[39] -= 1
    bare[at : at + 8] = bytes(8)
    return bytes(bare)


def with_fraction_overflow(record: bytes, seconds: int) -> bytes:
    """The record with its time written as earlier seconds and a larger fraction."""
    odd = bytearray(record)
    second, fraction = record[26], struct.unpack(">H", record[28:30])[0]
    odd[26] = second - seconds
    odd[28:30] = struct.pack(">H", fraction + 10_000 * seconds)
    return bytes(odd)


@pytest.mark.parametrize("encoding", [DataEncoding.INT32, DataEncoding.FLOAT32])
def test_blockette_1000_gives_the_byte_order_of_the_data(encoding: DataEncoding) -> None:
    kind = np.float32 if encoding == DataEncoding.FLOAT32 else np.int32
    given_records = records(SAMPLES.astype(kind), encoding=encoding)
    for every in (1, 2, 3):  # all records, and some among others
        odd = [data_in_other_order(r) if n % every == 0 else r for n, r in enumerate(given_records)]
        result = decoded(b"".join(odd))
        assert result.reasons == []
        np.testing.assert_array_equal(trace_in(result).samples, SAMPLES)


@pytest.mark.parametrize("reclen", [256, 512, 4096])
@pytest.mark.parametrize("encoding", INTEGERS)
def test_records_without_blockette_1000_are_read(encoding: DataEncoding, reclen: int) -> None:
    whole = records(SAMPLES, MIDNIGHT + 3 * SECOND, reclen=reclen, encoding=encoding)
    bare = list(map(without_blockette_1000, whole))
    result = decoded(b"".join(bare))
    assert result.reasons == []
    np.testing.assert_array_equal(trace_in(result).samples, SAMPLES)
    np.testing.assert_array_equal(
        trace_in(decoded(b"".join(bare[:2] + whole[2:]))).samples, SAMPLES
    )
    np.testing.assert_array_equal(
        trace_in(decoded(b"".join(whole[:2] + bare[2:]))).samples, SAMPLES
    )
    (held,) = station_spans(b"".join(bare))
    assert held.span.start_ns == MIDNIGHT + 3 * SECOND
    assert held.span.end_ns - held.span.start_ns == (len(SAMPLES) - 1) * SECOND // 100 + 1


def test_floats_without_blockette_1000_are_reported_rather_than_guessed() -> None:
    whole = records(np.float32(SAMPLES) / 7, encoding=DataEncoding.FLOAT32)
    result = decoded(b"".join(map(without_blockette_1000, whole)))
    assert result.channels == {}
    assert result.is_undecodable
    assert "no blockette 1000 states the encoding" in result.reasons[0]


@pytest.mark.parametrize("code", [15, 19, 33, 99])
def test_an_unknown_encoding_is_named(code: int) -> None:
    body = bytearray(mseed(SAMPLES[:100]))
    body[blockettes(body)[1000] + 4] = code
    result = decoded(bytes(body))
    assert result.channels == {}
    assert result.is_undecodable
    assert f"encoding {code} (" in result.reasons[0]


@pytest.mark.parametrize("seconds", [1, 2, 3])
def test_a_fraction_that_overflows_is_carried_into_the_seconds(seconds: int) -> None:
    start = MIDNIGHT + 7 * SECOND + 123_400_000
    whole = records(SAMPLES, start)
    odd = [with_fraction_overflow(r, seconds) if r[26] >= seconds else r for r in whole]
    assert sum(one != other for one, other in zip(odd, whole, strict=True)) > 1
    result = decoded(b"".join(odd))
    assert result.reasons == []
    np.testing.assert_array_equal(trace_in(result).samples, SAMPLES)
    assert min(parts.starts_ns[0] for parts in next(iter(result.channels.values()))) == start


def test_a_fraction_is_carried_over_midnight_and_the_end_of_a_year() -> None:
    new_year = 1_577_836_800 * SECOND
    (record,) = records(SAMPLES[:50], new_year - SECOND)
    odd = record[:28] + struct.pack(">H", 10_000) + record[30:]
    (held,) = station_spans(odd)
    assert held.span.start_ns == new_year


def control_header(kind: str, length: int) -> bytes:
    text = f"000001{kind} 0100095 2.4{length.bit_length() - 1:02d}2019,001~2019,002~~~~"
    return text.encode().ljust(length, b" ")


@pytest.mark.parametrize("length", [256, 512, 4096])
def test_control_headers_and_noise_records_are_skipped_silently(length: int) -> None:
    data = records(SAMPLES, reclen=length)
    heads = [control_header(kind, length) for kind in "VAST"]
    noise = b"000009".ljust(length, b" ")
    telemetry = b"000001V 0080".ljust(length, b" ")
    result = decoded(b"".join([*heads, data[0], noise, noise, *data[1:], telemetry, noise]))
    assert (result.reasons, result.remarks) == ([], [])
    np.testing.assert_array_equal(trace_in(result).samples, SAMPLES)


def test_a_volume_without_data_is_called_dataless_seed() -> None:
    result = decoded(b"".join(control_header(kind, 4096) for kind in "VAS"))
    assert result.reasons[0].endswith("it is SEED control headers without data (dataless SEED)")


@pytest.mark.parametrize("code", ["HZ", "Z", "cp"])
def test_short_channel_codes_are_shown_as_written(code: str) -> None:
    body = bytearray(mseed(SAMPLES[:100]))
    body[15:18] = code.encode().ljust(3)
    result = decoded(bytes(body))
    assert result.reasons == [f"channel code {code!r} does not have three letters"]
    assert result.is_undecodable


def with_station(code: str) -> bytes:
    parts = [bytearray(record) for record in records(SAMPLES)]
    for part in parts:
        part[8:13] = code.encode().ljust(5)
    return b"".join(map(bytes, parts))


def test_station_codes_may_have_hyphens() -> None:
    result = decoded(with_station("A-1"), "A-1")
    assert result.reasons == []
    np.testing.assert_array_equal(trace_in(result).samples, SAMPLES)


def test_station_codes_with_underscores_are_named() -> None:
    with pytest.raises(ValueError, match=r"station code in XX\.A_1 contains '_'"):
        station_spans(with_station("A_1"))
    assert decoded(with_station("A_1") + mseed(SAMPLES)).reasons == ["holds XX.A_1, not XX.AAA"]


def test_a_blank_network_belongs_to_the_one_that_the_user_names() -> None:
    blank = mseed(SAMPLES, nslc=".AAA..HHZ")
    assert decode(blank, "XX", "AAA", AROUND).channels == {}
    result = decode(blank, "XX", "AAA", AROUND, blank_network="XX")
    assert result.reasons == []
    np.testing.assert_array_equal(trace_in(result).samples, SAMPLES)
    assert decode(blank, "YY", "AAA", AROUND, blank_network="XX").channels == {}


def test_gzip_is_decompressed_and_damage_reported() -> None:
    body = mseed(SAMPLES)
    for packed in (gzip.compress(body), gzip.compress(body[:1024]) + gzip.compress(body[1024:])):
        result = decoded(packed)
        assert result.reasons == []
        np.testing.assert_array_equal(trace_in(result).samples, SAMPLES)
    noisy = mseed(np.random.default_rng(0).integers(-9999, 9999, 20_000).astype(np.int32))
    result = decoded(gzip.compress(noisy)[: len(noisy) // 2])
    assert "the gzip stream is truncated" in result.reasons
    assert result.channels
    result = decoded(gzip.compress(b"<html><body>not here</body></html>"))
    assert result.reasons == ["not miniSEED, 34 bytes: it is an HTML page"]


SAC = bytearray(632 + 400)
struct.pack_into("<i", SAC, 304, 6)
struct.pack_into("<i", SAC, 316, 100)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (bytes(SAC), "SAC"),
        (b"WID2 2019/06/21 00:00:00.000 AAA   HHZ      CM6     1000  100.000000\n", "GSE2"),
        (b"<?xml version='1.0'?>\n<FDSNStationXML xmlns='x'>", "StationXML"),
        (b"<!DOCTYPE html><html>", "an HTML page"),
        (b"\n<html lang='en'>", "an HTML page"),
        (b"PK\x03\x04abcdefgh", "a ZIP archive"),
        (b"\x00" * 5000, "nothing but zero bytes"),
        (b"\x93NUMPY\x01\x00\xff\xfe" * 9, ""),
    ],
)
def test_other_formats_are_named(body: bytes, kind: str) -> None:
    text = f"not miniSEED, {len(body)} bytes" + (f": it is {kind}" if kind else "")
    assert decoded(body).reasons == [text]


def ramp(rate: float, n: int) -> NDArray[np.float64]:
    """Samples whose value is their time in seconds after midnight."""
    return np.arange(n) / rate


@pytest.mark.parametrize("rate", [99.92, 99.95, 99.999, 100.04, 50.03, 199.9, 100.0])
@pytest.mark.parametrize(("version", "reclen"), [(2, 512), (2, 65536), (3, 4_000_000)])
def test_a_rate_off_the_nominal_one_shifts_no_sample_by_more_than_half(
    rate: float, version: int, reclen: int
) -> None:
    samples = ramp(rate, 120_000)
    body = mseed(samples, rate=rate, version=version, reclen=reclen)
    trace = trace_in(decoded(body))
    assert trace.rate == Fraction(round(rate))
    grid = Grid(trace.rate)
    begin = grid.index(MIDNIGHT)
    nominal = (np.arange(trace.first, trace.stop) - begin) / float(trace.rate)
    offsets = np.array([trace.clock.offset_ns(i) for i in range(trace.first, trace.stop, 997)])
    shift = (trace.samples - nominal) * float(trace.rate)
    assert np.abs(shift).max() <= 1.0  # from the grid itself
    true = shift[::997] - offsets / SECOND * float(trace.rate)
    assert np.abs(true).max() <= 0.5  # from the times that picks get


@given(st.floats(99.91, 100.09), st.integers(2000, 30_000))
def test_a_long_record_is_one_trace_without_gaps(rate: float, n: int) -> None:
    body = mseed(np.float32(np.arange(n)), rate=round(rate, 3), version=3, reclen=4_000_000)
    trace = trace_in(decoded(body))
    assert len(trace.samples) == pytest.approx(n * 100 / round(rate, 3), abs=2)


def test_records_do_not_depend_on_their_length() -> None:
    samples = counts(60_000)
    short, long = (
        trace_in(decoded(mseed(samples, rate=99.95, version=3, reclen=n))) for n in (512, 4_000_000)
    )
    assert abs(len(short.samples) - len(long.samples)) <= 1
    n = min(len(short.samples), len(long.samples))
    moved = np.abs(short.samples[: n - 1] - long.samples[: n - 1]).max()
    assert moved <= 2 * np.abs(np.diff(samples)).max()
