from __future__ import annotations

import random
import resource
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epicat.archive.archive import open_archive
from epicat.archive.header_index import IndexedArchive
from epicat.errors import ObjectError
from epicat.miniseed import station_spans
from epicat.model import Span
from epicat.time import parse_time
from epicat.waveforms.records import decode
from support.waves import (
    AROUND,
    MIDNIGHT,
    SECOND,
    MemorySource,
    counts,
    mseed,
    records,
    text_record,
)

NUMBERS = count()
HOUR = 3600 * SECOND
ONE = mseed(counts(500), MIDNIGHT, nslc="XX.AAA.00.HHZ")
TWO = mseed(counts(500), MIDNIGHT + HOUR, nslc="XX.BBB..HHZ")


def storage(**objects: bytes) -> MemorySource:
    """A storage that no other test has indexed."""
    return MemorySource(objects, location=f"memory:{next(NUMBERS)}")


def found(archive: IndexedArchive, station: str, span: Span = AROUND) -> list[str]:
    return [item.key for item in archive.objects("XX", station, span)]


def test_headers_tell_what_names_do_not() -> None:
    archive = IndexedArchive(storage(a=ONE, b=TWO, both=ONE + TWO))
    assert found(archive, "AAA") == ["a", "both"]
    assert found(archive, "BBB") == ["b", "both"]
    assert found(archive, "CCC") == []
    assert archive.unreadable() == {}


def test_only_objects_of_the_span_are_found() -> None:
    archive = IndexedArchive(storage(a=ONE))
    last = MIDNIGHT + 499 * SECOND // 100
    assert found(archive, "AAA", Span(last, last + 1)) == ["a"]
    assert found(archive, "AAA", Span(last + 1, last + 2)) == []
    assert found(archive, "AAA", Span(MIDNIGHT - 1, MIDNIGHT)) == []
    assert found(archive, "AAA", Span(MIDNIGHT - 1, MIDNIGHT + 1)) == ["a"]


def test_an_archive_is_indexed_once() -> None:
    source = storage(a=ONE, b=TWO, bad=b"garbage", empty=b"")
    IndexedArchive(source)
    assert sorted(source.reads) == ["a", "b", "bad", "empty"]
    source.reads.clear()
    again = IndexedArchive(source)
    assert source.reads == []
    assert found(again, "AAA") == ["a"]
    assert set(again.unreadable()) == {"bad", "empty"}


def test_only_what_is_new_or_has_changed_is_read_again() -> None:
    source = storage(a=ONE, b=TWO, c=ONE)
    IndexedArchive(source)
    source.reads.clear()
    source.objects |= {"a": TWO, "d": ONE}
    del source.objects["c"]
    archive = IndexedArchive(source)
    assert sorted(source.reads) == ["a", "d"]
    assert found(archive, "AAA") == ["d"]
    assert found(archive, "BBB") == ["a", "b"]
    source.reads.clear()
    IndexedArchive(source)
    assert source.reads == []


@pytest.mark.parametrize("damage", [b"", b"PAR1", b"no parquet at all" * 100])
def test_a_damaged_index_is_made_again(epicat_cache: Path, damage: bytes) -> None:
    source = storage(a=ONE)
    before = set((epicat_cache / "indexes").glob("*.parquet"))
    IndexedArchive(source)
    (index,) = set((epicat_cache / "indexes").glob("*.parquet")) - before
    whole = index.read_bytes()
    index.write_bytes(damage or whole[: len(whole) // 2])
    assert found(IndexedArchive(source), "AAA") == ["a"]
    source.reads.clear()
    assert found(IndexedArchive(source), "AAA") == ["a"]
    assert source.reads == []


def test_an_index_of_another_make_is_made_again(epicat_cache: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    source = storage(a=ONE)
    before = set((epicat_cache / "indexes").glob("*.parquet"))
    IndexedArchive(source)
    (index,) = set((epicat_cache / "indexes").glob("*.parquet")) - before
    pq.write_table(pa.table({"key": ["a"], "size": ["large"]}), index)
    assert found(IndexedArchive(source), "AAA") == ["a"]


def test_an_object_that_could_not_be_read_is_tried_again() -> None:
    source = storage(a=ONE, b=TWO)
    source.broken["a"] = "cannot be read: Permission denied"
    archive = IndexedArchive(source)
    assert archive.unreadable() == {"a": "cannot be read: Permission denied"}
    assert found(archive, "BBB") == ["b"]
    source.broken.clear()
    source.reads.clear()
    assert found(IndexedArchive(source), "AAA") == ["a"]
    assert source.reads == ["a"]


def test_an_object_that_may_be_had_another_time_may_be_any_stations() -> None:
    source = storage(a=ONE, b=TWO)
    source.broken["a"] = "cannot be read: the server is too busy"
    source.passing.add(source.broken["a"])
    archive = IndexedArchive(source)
    assert found(archive, "AAA") == ["a"]
    assert found(archive, "BBB") == ["a", "b"]
    source.reads.clear()
    (item,) = archive.objects("XX", "AAA", AROUND)
    archive.prefetch([item])
    with pytest.raises(ObjectError, match="too busy"):
        archive.read(item)
    assert source.reads == []
    source.broken.clear()
    assert found(IndexedArchive(source), "BBB") == ["b"]


def test_an_object_without_a_header_belongs_to_the_station_in_its_name() -> None:
    source = storage(**{"2019/XX.AAA..HHZ.mseed": b"garbage", "XX_AAAB_HHZ": b"", "noise": b"?"})
    archive = IndexedArchive(source)
    assert found(archive, "AAA") == ["2019/XX.AAA..HHZ.mseed"]
    assert found(archive, "AAAB") == ["XX_AAAB_HHZ"]
    assert found(archive, "BBB") == []
    assert archive.unreadable() == {
        "2019/XX.AAA..HHZ.mseed": "not miniSEED, 7 bytes: it is text that starts with 'garbage'",
        "XX_AAAB_HHZ": "empty, 0 bytes",
        "noise": "not miniSEED, 1 bytes: it is text that starts with '?'",
    }


def test_an_object_is_kept_between_its_stations_and_then_let_go() -> None:
    source = storage(a=ONE, b=TWO)
    archive = IndexedArchive(source)
    one, two = (archive.objects("XX", s, AROUND)[0] for s in ("AAA", "BBB"))
    source.reads.clear()
    assert archive.read(one) == archive.read(one) == ONE
    assert archive.read(two) == TWO
    assert source.reads == ["a", "b"]
    source.broken["a"] = "gone"
    with pytest.raises(ObjectError):
        archive.read(one)


def test_an_empty_archive_is_an_archive() -> None:
    source = storage()
    assert found(IndexedArchive(source), "AAA") == found(IndexedArchive(source), "AAA") == []


def test_the_files_of_a_real_network(realdata: Path) -> None:
    archive = open_archive(str(realdata / "holuhraun" / "waveforms"), "files")
    day = Span(parse_time("2014-08-24"), parse_time("2014-08-25"))
    names = [item.key for item in archive.objects("Z7", "DYJN", day)]
    assert [name[:12] for name in names] == ["Z7.DYJN..HHE", "Z7.DYJN..HHN", "Z7.DYJN..HHZ"]
    assert archive.objects("Z7", "DYJN", Span(day.end_ns, day.end_ns + 1)) == []
    assert archive.unreadable() == {}


def test_headers_of_logs_and_of_what_has_no_station() -> None:
    assert [c.station for c in station_spans(text_record() + ONE)] == ["AAA"]
    for body, reason in ((b"", "empty"), (b"\0" * 5000, "not miniSEED, 5000 bytes")):
        with pytest.raises(ValueError, match=reason):
            station_spans(body)


@given(
    st.integers(0, 2**32),
    st.sampled_from([(2, 512), (3, 512), (2, 128)]),
    st.sampled_from(["flip", "insert", "noise", "cut", "zero", "remove"]),
)
def test_headers_of_a_damaged_object_name_all_that_can_be_decoded(
    seed: int, kind: tuple[int, int], damage: str
) -> None:
    rng = random.Random(seed)
    parts = records(counts(1500), version=kind[0], reclen=kind[1])
    at = rng.randrange(len(parts))
    part = bytearray(parts[at])
    part[rng.randrange(len(part))] ^= 1 << rng.randrange(8)
    parts[at] = {
        "flip": bytes(part),
        "insert": rng.randbytes(rng.choice([1, 80, 511, 512, 900])) + parts[at],
        "noise": rng.randbytes(len(part)),
        "cut": parts[at][: rng.randrange(1, len(part))],
        "zero": bytes(len(part)),
        "remove": b"",
    }[damage]
    body = b"".join(parts)
    decoded = [r for rs in decode(body, "XX", "AAA", AROUND).channels.values() for r in rs]
    starts = np.concatenate([r.starts_ns for r in decoded])
    (held,) = (c.span for c in station_spans(body) if (c.network, c.station) == ("XX", "AAA"))
    assert held.start_ns <= starts.min()
    assert held.end_ns > starts.max()


def test_an_index_that_cannot_be_kept_is_done_without(epicat_cache: Path) -> None:
    """On a disk that is full, for which a limit stands."""
    source = storage(a=ONE)
    before = set((epicat_cache / "indexes").iterdir())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        assert found(IndexedArchive(source), "AAA") == ["a"]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert set((epicat_cache / "indexes").iterdir()) == before
    source.reads.clear()
    assert found(IndexedArchive(source), "AAA") == ["a"]
    assert source.reads == ["a"]
