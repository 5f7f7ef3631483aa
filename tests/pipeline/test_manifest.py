from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epicat.errors import InputError
from epicat.ledger import Stage
from epicat.model import Span
from epicat.pipeline.manifest import pack, read_count, read_unit
from epicat.pipeline.plan import Unit

spans = st.tuples(st.integers(-(2**62), 2**62), st.integers(1, 2**60)).map(
    lambda pair: Span(pair[0], pair[0] + pair[1])
)
units = st.builds(
    Unit,
    stage=st.sampled_from(Stage),
    keys=st.lists(st.text(min_size=1), min_size=1, max_size=5).map(tuple),
    needs=st.none() | spans,
    recheck=st.booleans(),
    after_ns=st.integers(0, 2**62),
)


def reader(data: bytes, asked: list[int] | None = None):
    def part(start: int, end: int) -> bytes:
        if asked is not None:
            asked.append(end - start)
        return data[start:end]

    return part


@given(st.lists(units, max_size=20))
def test_units_come_back_one_by_one(given_units):
    part = reader(pack(given_units))
    assert read_count(part) == len(given_units)
    assert [read_unit(part, i) for i in range(len(given_units))] == given_units


def test_a_worker_reads_its_own_unit_only():
    many = [Unit(Stage.PICK, tuple(f"NC.A{i}/2019.{j}" for j in range(50))) for i in range(3000)]
    data, asked = pack(many), []
    assert read_unit(reader(data, asked), 2999) == many[-1]
    assert sum(asked) < 1000 < len(data)


def test_manifests_of_earlier_versions_are_read():
    """They said nothing of marks."""
    begin = len(pack([])) + 8
    text = zlib.compress(b'["pick", ["NC.KBG/2019.172"], null, true]')
    head = pack([])[:16]
    data = head + struct.pack("<3Q", 1, begin, begin + len(text)) + text
    assert read_unit(reader(data), 0) == Unit(Stage.PICK, ("NC.KBG/2019.172",), recheck=True)


def test_what_is_no_unit_of_the_manifest_is_refused():
    data = pack([Unit(Stage.PICK, ("NC.KBG/2019.172",))])
    for index in (-1, 1):
        with pytest.raises(InputError, match=rf"index {index} is out of range.* 0 to 0"):
            read_unit(reader(data), index)
    for wrong in (b"", b"PAR1", data[:10], b"x" * 100):
        with pytest.raises(InputError, match="not a manifest"):
            read_unit(reader(wrong), 0)
    with pytest.raises(InputError, match=r"damaged .*; submit again"):
        read_unit(reader(data[:-9] + b"no matter"), 0)
