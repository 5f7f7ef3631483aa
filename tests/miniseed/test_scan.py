"""Finding records among other bytes, in a time that grows with the bytes alone."""

from __future__ import annotations

import random
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epicat.miniseed import UNREADABLE, scan
from epicat.model import Span
from support.waves import MIDNIGHT, SECOND, counts, mseed, records

SAMPLES = counts(2000)


def cpu_s(body: bytes) -> float:
    began = time.process_time()
    scan(body)
    return time.process_time() - began


@pytest.mark.parametrize("version", [2, 3])
def test_all_records_are_found_and_whose_they_are(version: int) -> None:
    own = mseed(SAMPLES, version=version)
    other = mseed(SAMPLES, MIDNIGHT + 60 * SECOND, nslc="YY.BBB.00.BHE", version=version)
    found = scan(own + b"between" + other)
    assert found.records == len(own) + len(other)
    last = 1999 * SECOND // 100
    assert found.spans == {
        ("XX", "AAA"): Span(MIDNIGHT, MIDNIGHT + last + 1),
        ("YY", "BBB"): Span(MIDNIGHT + 60 * SECOND, MIDNIGHT + 60 * SECOND + last + 1),
    }
    assert found.damage
    assert not scan(own).damage


@given(
    st.integers(0, 2**32), st.lists(st.sampled_from([b"x", bytes(300), b"000001D "]), max_size=4)
)
def test_large_objects_are_read_in_pieces_without_losing_a_record(
    seed: int, garbage: list[bytes]
) -> None:
    rng = random.Random(seed)
    parts = [part for size in (128, 512, 4096) for part in records(SAMPLES, reclen=size)] * 20
    rng.shuffle(parts)
    mixed = [*parts, *garbage]
    rng.shuffle(mixed)
    assert scan(b"".join(mixed)).records == sum(map(len, parts))


def test_a_record_longer_than_a_piece_is_found() -> None:
    long = mseed(counts(400_000, step=2**20), version=3, reclen=2**20)
    assert len(long) > 2**20
    assert scan(long).records == len(long)
    found = scan(long + b"x" + long)
    assert found.records == 2 * len(long)
    assert found.damage == "No miniSEED data detected"


def test_a_record_that_begins_inside_what_looks_like_one_is_found() -> None:
    own = mseed(SAMPLES)
    assert scan(b"000001D " + bytes(14) + own).records == len(own)


def test_codes_that_are_no_text_have_a_name_of_their_own() -> None:
    bad = bytearray(mseed(SAMPLES[:100]))
    bad[15:18] = b"\xe4\xff\xfe"
    assert set(scan(bytes(bad)).spans) == {UNREADABLE[:2]}


@pytest.mark.parametrize("text", [b"000001D ", b"MS\x03", b"      D "])
def test_text_that_begins_like_records_all_over_is_passed_over_quickly(text: bytes) -> None:
    body = text * (2**22 // len(text))
    assert scan(body).records == 0
    assert cpu_s(body) < 2


def test_a_day_in_pieces_out_of_order_takes_no_more_than_one_in_order() -> None:
    one = bytearray(records(SAMPLES[:3], reclen=128)[0])
    parts = []
    for second in range(0, 80_000, 2):
        one[24:27] = bytes((second // 3600, second // 60 % 60, second % 60))
        parts.append(bytes(one))
    random.Random(1).shuffle(parts)
    assert scan(b"".join(parts)).records == 40_000 * 128
    assert cpu_s(b"".join(parts)) < 4


EDGE = """
import ctypes, mmap, sys
from epicat.miniseed import scan

page = mmap.PAGESIZE
memory = mmap.mmap(-1, 2 * page)
begin = ctypes.addressof(ctypes.c_char.from_buffer(memory))
assert ctypes.CDLL(None).mprotect(ctypes.c_void_p(begin + page), page, 0) == 0
body = bytes.fromhex(sys.stdin.read())
for prefix in (b"", b"no record", body * 2):
    for left in range(1, len(body)):
        text = prefix + body[:left]
        memory[page - len(text) : page] = text
        scan(memoryview(memory)[page - len(text) : page])
"""


@pytest.mark.parametrize("version", [2, 3])
def test_nothing_is_read_behind_the_end_of_an_object(version: int) -> None:
    """The page behind it is forbidden: whoever looks there is killed."""
    (one, *_) = records(SAMPLES, version=version, reclen=256)
    done = subprocess.run([sys.executable, "-c", EDGE], input=one.hex(), text=True, check=False)
    assert done.returncode == 0
