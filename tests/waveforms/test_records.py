from __future__ import annotations

import random
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pymseed import DataEncoding

from epicat.model import Span
from epicat.time import parse_time
from epicat.waveforms.records import Channel, Decoded, decode
from epicat.waveforms.traces import merge
from support.waves import (
    AROUND,
    MIDNIGHT,
    SECOND,
    counts,
    little_endian,
    mseed,
    records,
    text_record,
)

SAMPLES = counts(2000)
HHZ = Channel("", "HH", "Z", Fraction(100))


def decoded(body: bytes, span: Span = AROUND) -> Decoded:
    return decode(body, "XX", "AAA", span)


def by_start(result: Decoded) -> dict[int, NDArray[np.generic]]:
    """The samples of each record."""
    found = {}
    for parts in result.channels.values():
        for part in parts:
            ends = np.cumsum(part.counts)
            for start, end, n in zip(part.starts_ns, ends, part.counts, strict=True):
                found[int(start)] = part.samples[end - n : end]
    return found


def whole(result: Decoded) -> NDArray[np.generic]:
    """The samples of the only channel, which must have no gap."""
    ((channel, parts),) = result.channels.items()
    (trace,) = merge(parts, channel.rate)
    return trace.samples


@pytest.mark.parametrize("reclen", [128, 512, 4096])
@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize(
    "encoding",
    [
        DataEncoding.STEIM1,
        DataEncoding.STEIM2,
        DataEncoding.INT16,
        DataEncoding.INT32,
        DataEncoding.FLOAT32,
        DataEncoding.FLOAT64,
    ],
)
def test_every_encoding_gives_the_samples(
    version: int, reclen: int, encoding: DataEncoding
) -> None:
    kind = {DataEncoding.FLOAT32: np.float32, DataEncoding.FLOAT64: np.float64}
    samples = (SAMPLES % 1000).astype(kind.get(encoding, np.int32))
    start = MIDNIGHT + 3_000
    body = mseed(samples, start, version=version, reclen=reclen, encoding=encoding)
    result = decoded(body)
    assert (result.reasons, result.remarks) == ([], [])
    assert list(result.channels) == [HHZ]
    assert whole(result).dtype == samples.dtype
    np.testing.assert_array_equal(whole(result), samples)
    assert min(by_start(result)) == start


def test_both_byte_orders_are_read() -> None:
    big = records(SAMPLES, MIDNIGHT + 17_000, encoding=DataEncoding.INT32)
    little = [little_endian(record) for record in big]
    assert big != little
    np.testing.assert_array_equal(whole(decoded(b"".join(little))), SAMPLES)
    mixed = [
        one if n % 2 else other for n, (one, other) in enumerate(zip(big, little, strict=True))
    ]
    result = decoded(b"".join(mixed))
    assert result.reasons == []
    np.testing.assert_array_equal(whole(result), SAMPLES)


def test_miniseed_3_keeps_nanoseconds() -> None:
    result = decoded(mseed(SAMPLES, MIDNIGHT + 123_456_789, version=3))
    assert min(by_start(result)) == MIDNIGHT + 123_456_789


def test_both_versions_and_several_lengths_may_share_an_object() -> None:
    parts = [
        mseed(SAMPLES[a : a + 500], MIDNIGHT + a * SECOND // 100, version=v, reclen=n)
        for a, v, n in ((0, 2, 512), (500, 3, 4096), (1000, 2, 4096), (1500, 3, 512))
    ]
    result = decoded(b"".join(parts))
    assert result.reasons == []
    np.testing.assert_array_equal(whole(result), SAMPLES)


def test_channels_are_told_apart_and_written_in_capitals() -> None:
    names = ["XX.AAA..hhz", "XX.AAA.00.HHZ", "XX.AAA.00.HNE", "XX.AAA.00.HHZ"]
    rates = [100, 100, 200, 40]
    parts = [mseed(SAMPLES, nslc=n, rate=r) for n, r in zip(names, rates, strict=True)]
    result = decoded(b"".join(parts))
    assert set(result.channels) == {
        Channel("", "HH", "Z", Fraction(100)),
        Channel("00", "HH", "Z", Fraction(100)),
        Channel("00", "HN", "E", Fraction(200)),
        Channel("00", "HH", "Z", Fraction(40)),
    }


@pytest.mark.parametrize(
    ("rate", "meant"),
    [
        (99.9998, 100),
        (100.05, 100),
        (10, 10),
        (100 / 3, Fraction(100, 3)),
        (62.5, Fraction(125, 2)),
    ],
)
def test_the_rate_is_the_one_the_digitiser_means(rate: float, meant: Fraction) -> None:
    result = decoded(mseed(SAMPLES, rate=rate))
    assert [channel.rate for channel in result.channels] == [meant]
    assert len(whole(result)) == pytest.approx(len(SAMPLES), abs=1)


@pytest.mark.parametrize("rate", [0, 1, 9.9, -10, 1e9, 25_000])
@pytest.mark.parametrize("version", [2, 3])
def test_a_rate_that_cannot_be_picked_is_left_out_with_a_remark(rate: float, version: int) -> None:
    result = decoded(mseed(SAMPLES, rate=rate, version=version))
    assert not result.channels
    assert result.reasons == []
    assert set(result.remarks) == {f"HHZ at {0.1 if rate == -10 else rate:g} Hz cannot be picked"}


def test_samples_that_are_no_numbers_are_given_as_they_are() -> None:
    samples = SAMPLES.astype(np.float32)
    samples[100:110], samples[500] = np.nan, np.inf
    np.testing.assert_array_equal(whole_records(decoded(mseed(samples))), samples)


def whole_records(result: Decoded) -> NDArray[np.generic]:
    parts = by_start(result)
    return np.concatenate([parts[start] for start in sorted(parts)])


def test_only_records_of_the_span_are_decoded_and_those_whole() -> None:
    parts = records(SAMPLES)
    starts = sorted(by_start(decoded(b"".join(parts))))
    span = Span(starts[1] + 1, starts[2] + 1)
    result = decoded(b"".join(parts), span)
    assert sorted(by_start(result)) == starts[1:3]
    assert decoded(b"".join(parts), Span(starts[0] - 2 * SECOND, starts[0] - SECOND)).channels == {}


def test_logs_and_records_without_samples_are_passed_over() -> None:
    parts = records(SAMPLES)
    none = bytearray(parts[1])
    none[30:32] = b"\0\0"
    result = decoded(b"".join([parts[0], text_record(), parts[1], bytes(none), *parts[2:]]))
    assert result.reasons == []
    np.testing.assert_array_equal(whole_records(result), SAMPLES)


# What is damaged.


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty, 0 bytes"),
        (b"404 Not Found", "not miniSEED, 13 bytes: it is text that starts with '404 Not Found'"),
        (b"<html>" * 1000, "not miniSEED, 6000 bytes: it is an HTML page"),
        (bytes(5000), "not miniSEED, 5000 bytes: it is nothing but zero bytes"),
        (records(SAMPLES)[0][:100], "not miniSEED, 100 bytes"),
        (
            records(SAMPLES)[0][:20],
            "not miniSEED, 20 bytes: it is text that starts with '000000R AAA    HHZXX'",
        ),
        (
            b"000001D " * 800,
            f"not miniSEED, 6400 bytes: it is text that starts with {'000001D ' * 5!r}",
        ),
        (b"MS\x03" * 2000, "not miniSEED, 6000 bytes"),
    ],
    ids=[
        "empty",
        "short text",
        "html",
        "zeros",
        "a record's start",
        "a header's start",
        "v2",
        "v3",
    ],
)
def test_what_is_no_miniseed_is_told(body: bytes, reason: str) -> None:
    result = decoded(body)
    assert result.reasons == [reason]
    assert not result.channels


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("missing", [1, 47, 48, 100, 300, 448, 464, 500])
def test_a_truncated_object_gives_all_whole_records(version: int, missing: int) -> None:
    parts = records(SAMPLES, version=version)[:4]
    body = b"".join(parts)
    missing = min(missing, len(parts[-1]) - 1)
    result = decoded(body[:-missing])
    left = len(parts[-1]) - missing
    assert sorted(by_start(result)) == sorted(by_start(decoded(b"".join(parts[:-1]))))
    assert result.reasons[0].startswith(f"{left} of {len(body) - missing} bytes are not miniSEED")


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("at", [0, 1, 3, -1])
@pytest.mark.parametrize(
    "garbage",
    [
        b"x",
        bytes(64),
        b"garbage!" * 10,
        bytes(512),
        b"\xff" * 700,
        b"000001D " * 20,
        b"MS\x03" * 50,
    ],
    ids=["letter", "zeros", "text", "zero record", "ones", "looks like 2", "looks like 3"],
)
def test_garbage_between_records_costs_no_record(version: int, at: int, garbage: bytes) -> None:
    parts = records(SAMPLES, version=version)
    at = at if at >= 0 else len(parts)
    body = b"".join([*parts[:at], garbage, *parts[at:]])
    result = decoded(body)
    np.testing.assert_array_equal(whole(result), SAMPLES)
    (reason,) = result.reasons
    assert reason.startswith(f"{len(garbage)} of {len(body)} bytes are not miniSEED records")


def test_an_object_that_lost_its_start_gives_the_rest() -> None:
    parts = records(SAMPLES)
    result = decoded(b"".join(parts)[100:])
    assert sorted(by_start(result)) == sorted(by_start(decoded(b"".join(parts[1:]))))
    assert "412 of" in result.reasons[0]


def test_a_record_of_another_station_is_left_out_and_named() -> None:
    parts = records(SAMPLES)
    others = [mseed(SAMPLES, nslc=nslc) for nslc in ("XX.BBB..HHZ", "YY.AAA..HHZ")]
    result = decoded(b"".join([parts[0], *others, *parts[1:]]))
    np.testing.assert_array_equal(whole(result), SAMPLES)
    assert result.reasons == ["holds XX.BBB, YY.AAA, not XX.AAA"]


def test_other_stations_in_a_shared_object_are_no_error():
    both = mseed(SAMPLES) + mseed(SAMPLES, nslc="XX.BBB..HHZ")
    assert decode(both, "XX", "AAA", AROUND, is_shared=True).reasons == []
    other = decode(mseed(SAMPLES, nslc="XX.BBB..HHZ"), "XX", "AAA", AROUND, is_shared=True)
    assert other.reasons == ["holds XX.BBB, not XX.AAA"]


def test_codes_that_are_no_text_are_left_out_and_told() -> None:
    parts = records(SAMPLES)
    odd = bytearray(parts[1])
    odd[15:18] = b"\xe4\xff\xfe"
    result = decoded(b"".join([parts[0], bytes(odd), *parts[2:]]))
    assert len(by_start(result)) == len(parts) - 1
    assert result.reasons == ["holds ?.?, not XX.AAA"]


def test_doubled_records_are_all_given() -> None:
    parts = records(SAMPLES)
    result = decoded(b"".join(parts + parts[::-1]))
    assert result.reasons == []
    np.testing.assert_array_equal(whole(result), SAMPLES)


def test_records_in_any_order_are_read() -> None:
    parts = records(SAMPLES, reclen=128)
    random.Random(1).shuffle(parts)
    result = decoded(b"".join(parts))
    assert result.reasons == []
    np.testing.assert_array_equal(whole(result), SAMPLES)


DAMAGES = {
    "no frame can be decoded": (slice(64, 512), b"\xff" * 448),
    "no data": (slice(64, 512), bytes(448)),
    "unknown encoding": (slice(52, 53), b"\x63"),
    "text, no numbers": (slice(52, 53), b"\x00"),
    "more samples than there are": (slice(30, 32), b"\xff\xff"),
    "data begin outside the record": (slice(44, 46), b"\x7f\xff"),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("at", [0, 2, -1])
def test_a_record_that_cannot_be_decoded_costs_no_other(damage: str, at: int) -> None:
    place, value = DAMAGES[damage]
    parts = records(SAMPLES)
    good = by_start(decoded(b"".join(parts)))
    starts = sorted(good)
    bad = bytearray(parts[at])
    bad[place] = value
    parts[at] = bytes(bad)
    result = decoded(b"".join(parts))
    found = by_start(result)
    del good[starts[at]]
    assert set(good) <= set(found) <= set(starts)
    for start, samples in good.items():
        np.testing.assert_array_equal(found[start], samples)
    assert result.reasons


def test_samples_that_do_not_add_up_are_told() -> None:
    parts = records(SAMPLES)
    bad = bytearray(parts[1])
    bad[200] ^= 0xFF
    result = decoded(b"".join([parts[0], bytes(bad), *parts[2:]]))
    assert len(by_start(result)) == len(parts)
    (reason,) = result.reasons
    assert reason.startswith("samples may be wrong: Data integrity check for Steim2 failed")


def test_a_checksum_that_is_wrong_costs_its_record() -> None:
    parts = records(SAMPLES, version=3)
    bad = bytearray(parts[1])
    bad[100] ^= 1
    result = decoded(b"".join([parts[0], bytes(bad), *parts[2:]]))
    assert len(by_start(result)) == len(parts) - 1
    assert "Invalid CRC" in result.reasons[0]


def test_a_channel_code_of_other_than_three_letters_is_told() -> None:
    # miniSEED 3 allows longer subsource codes: FDSN:XX_AAA__HX_H_Z.
    from pymseed import MS3Record

    record = MS3Record()
    record.sourceid = "FDSN:XX_AAA__HX_H_Z"
    record.formatversion, record.samprate, record.starttime = 3, 100, MIDNIGHT
    with record.with_datasamples(SAMPLES, "i"):
        body = b"".join(record.generate())
    result = decoded(body)
    assert not result.channels
    assert len(result.reasons) == 1
    assert "does not have three letters" in result.reasons[0]


def test_a_channel_of_many_rates_gives_those_with_the_most_samples() -> None:
    parts = [
        mseed(SAMPLES[: 10 + at], MIDNIGHT + at * 5 * SECOND, rate=50 + at) for at in range(30)
    ]
    result = decoded(b"".join(parts))
    assert [float(c.rate) for c in result.channels] == [72 + at for at in range(8)]
    (reason,) = result.reasons
    assert reason == "HHZ has 30 sample rates, of which the 8 with the most samples are read"


def test_what_is_told_is_short_and_printable() -> None:
    parts = [mseed(SAMPLES[:50], rate=1 + at / 100, nslc="XX.AAA..LHZ") for at in range(40)]
    for at in range(40):
        bad = bytearray(mseed(SAMPLES[:50], nslc=f"XX.BB{at:02d}..HHZ"))
        bad[8:10] = b"\x1b["
        parts.append(bytes(bad))
    result = decoded(b"".join(parts))
    assert len(result.remarks) == 6
    assert result.remarks[-1] == "and 35 more"
    (reason,) = result.reasons
    assert reason == "holds XX.?[00, XX.?[01, XX.?[02 and 37 more, not XX.AAA"


SEEDS = [
    mseed(counts(1500)),
    mseed(counts(1500), version=3),
    mseed(counts(600).astype(np.float32), version=3),
    mseed(counts(600), reclen=128, encoding=DataEncoding.INT32),
    mseed(counts(3000), reclen=4096, encoding=DataEncoding.STEIM1),
    mseed(counts(600)) + mseed(counts(600), rate=40, nslc="XX.AAA.00.BHE") + text_record(),
]


def mutated(body: bytes, rng: random.Random) -> bytes:
    """Flip, cut, insert, remove and repeat bytes, headers first of all."""
    mutant = bytearray(body)
    for _ in range(rng.choice([1, 1, 2, 5, 30])):
        at = rng.randrange(max(len(mutant), 1))
        if rng.random() < 0.5:
            at = at // 128 * 128 + rng.randrange(64)
        what = rng.randrange(6)
        if what == 0 and at < len(mutant):
            mutant[at] ^= 1 << rng.randrange(8)
        elif what == 1 and at < len(mutant):
            mutant[at] = rng.choice([0, 1, 127, 128, 255])
        elif what == 2:
            mutant[at:at] = rng.randbytes(rng.choice([1, 3, 64, 512, 700]))
        elif what == 3:
            del mutant[at : at + rng.choice([1, 8, 512, 600])]
        elif what == 4:
            mutant[at:at] = body[rng.randrange(len(body)) :][: rng.choice([48, 512])]
        elif rng.random() < 0.3:
            del mutant[at:]
    return bytes(mutant)


@given(st.randoms(use_true_random=True), st.sampled_from(range(len(SEEDS))))
def test_no_damage_raises_or_takes_long(rng: random.Random, seed: int) -> None:
    body = mutated(SEEDS[seed], rng)
    began = time.perf_counter()
    result = decoded(body)
    traces = [merge(parts, channel.rate) for channel, parts in result.channels.items()]
    assert time.perf_counter() - began < 2
    assert all(trace.samples.size for channel in traces for trace in channel)
    assert all(reason and "\n" not in reason for reason in result.reasons)


@given(st.binary(max_size=2000))
def test_any_bytes_are_told_as_no_miniseed(body: bytes) -> None:
    assert decoded(body).reasons


@given(st.data())
def test_the_good_records_of_a_damaged_object_are_all_kept(data: st.DataObject) -> None:
    version = data.draw(st.sampled_from([2, 3]))
    parts = records(SAMPLES, version=version, reclen=data.draw(st.sampled_from([256, 512])))
    good = by_start(decoded(b"".join(parts)))
    starts = sorted(good)
    at = data.draw(st.integers(0, len(parts) - 1))
    rng = random.Random(data.draw(st.integers(0, 2**32)))
    size = len(parts[at])
    parts[at] = data.draw(
        st.sampled_from(
            [
                b"",
                rng.randbytes(size),
                rng.randbytes(rng.randrange(2000)),
                bytes(size),
                parts[at][:64] + rng.randbytes(size - 64),
            ]
        )
    )
    found = by_start(decoded(b"".join(parts)))
    for start in set(starts) - {starts[at]}:
        np.testing.assert_array_equal(found[start], good[start])


def test_damage_everywhere_is_read_in_bounded_time() -> None:
    parts = records(counts(400_000))
    body = b"?".join(parts)
    began = time.perf_counter()
    result = decoded(body)
    assert time.perf_counter() - began < 5
    assert len(by_start(result)) == len(parts)


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    rng = random.Random(3)
    for n in range(200):
        decoded(mutated(SEEDS[n % len(SEEDS)], rng))
    assert capfd.readouterr() == ("", "")


# Real objects.

DAY = Span(parse_time("2022-01-02"), parse_time("2022-01-03"))


@pytest.mark.parametrize("station", ["CCA", "HEC"])
def test_a_real_day_at_40_hz_is_read_whole(realdata: Path, station: str) -> None:
    body = (realdata / "scedc" / "objects" / f"CI{station}__BHN___2022002.ms").read_bytes()
    result = decode(body, "CI", station, DAY)
    assert (result.reasons, result.remarks) == ([], [])
    ((channel, parts),) = result.channels.items()
    assert channel == Channel("", "BH", "N", Fraction(40))
    (trace,) = merge(parts, channel.rate)
    assert abs(len(trace.samples) - 40 * 86_400) < 600
    assert trace.first <= DAY.start_ns * 40 // SECOND + 1
    assert trace.stop >= DAY.end_ns * 40 // SECOND - 1


def test_a_real_object_at_1_hz_is_left_out_with_a_remark(realdata: Path) -> None:
    names = {"BKTHIS_LHZ00": "BK.THIS", "CINCH__LHZ__": "CI.NCH", "CIFOX2_LHZ__": "CI.FOX2"}
    for name, codes in names.items():
        body = (realdata / "scedc" / "objects" / f"{name}_2022002.ms").read_bytes()
        result = decode(body, *codes.split("."), DAY)
        assert (result.channels, result.reasons) == ({}, [])
        assert set(result.remarks) == {"LHZ at 1 Hz cannot be picked"}


def test_a_real_name_may_lie(realdata: Path) -> None:
    from pymseed import MS3Record

    body = (realdata / "scedc" / "objects" / "BKTHIS_LHZ10_2022002.ms").read_bytes()
    assert {record.sourceid for record in MS3Record.from_buffer(body)} == {"FDSN:BK_THIS_00_L_H_Z"}


def test_real_objects_have_their_real_gaps(realdata: Path) -> None:
    folder = realdata / "holuhraun" / "waveforms"
    for path in sorted(folder.glob("Z7.DYJN..*")):
        result = decode(path.read_bytes(), "Z7", "DYJN", AROUND)
        assert result.channels == {}
        around = Span(parse_time("2014-08-24"), parse_time("2014-08-25"))
        result = decode(path.read_bytes(), "Z7", "DYJN", around)
        assert (result.reasons, result.remarks) == ([], [])
        ((channel, parts),) = result.channels.items()
        assert (channel.band, channel.rate) == ("HH", 100)
        traces = merge(parts, channel.rate)
        assert len(traces) == 4
        assert sum(len(trace.samples) for trace in traces) == pytest.approx(51_300, abs=100)


@given(st.randoms(use_true_random=True))
def test_no_damage_of_a_real_object_raises(realdata: Path, rng: random.Random) -> None:
    body = (
        realdata / "holuhraun" / "waveforms" / "Z7.DYJN..HHZ__20140824T000100Z.mseed"
    ).read_bytes()
    at = rng.randrange(len(body) - 20_000)
    span = Span(parse_time("2014-08-24"), parse_time("2014-08-25"))
    decode(mutated(body[at : at + 20_000], rng), "Z7", "DYJN", span)
