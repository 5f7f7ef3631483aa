from __future__ import annotations

import time
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epicat.archive import prefetch as prefetch_module
from epicat.archive.archive import LayoutArchive, open_archive
from epicat.archive.header_index import IndexedArchive
from epicat.archive.layouts import LAYOUTS
from epicat.archive.objects import StoredObject
from epicat.errors import ArchiveError, InputError, ObjectError
from epicat.model import Span, StationDay
from support.layout_keys import KEYS
from support.waves import AROUND, DAY, MemorySource, sds_key

BY_NAME = pytest.mark.parametrize("name", sorted(LAYOUTS))


def archive_of(name: str, stations: list[str], days: int = 6) -> tuple[LayoutArchive, MemorySource]:
    """Three channels of each station on each day, and things that are none of the layout's."""
    every = [DAY + timedelta(days=n) for n in range(days)]
    keys = [
        KEYS[name](f"{station}..{channel}", day)
        for station in stations
        for channel in ("HHZ", "HHN", "HHE")
        for day in every
    ]
    objects = {key: key.encode() for key in [*keys, "README", keys[0] + ".bak"]}
    source = MemorySource(objects)
    return LayoutArchive(source, LAYOUTS[name]), source


def named(name: str, items: list[StoredObject]) -> set[tuple[str, str, date]]:
    entries = [LAYOUTS[name].parse(item.key) for item in items]
    return {(e.station, e.channel, e.day) for e in entries if e}


def channels_of(name: str) -> tuple[str, ...]:
    """What the layout's names tell of the channels."""
    return ("",) if name == "earthscope" else ("HHZ", "HHN", "HHE")


@BY_NAME
def test_the_objects_of_a_station_and_its_days_are_found(name: str) -> None:
    archive, _ = archive_of(name, ["XX.AAA", "XX.AAAB", "YY.AAA"])
    span = StationDay("XX.AAA", DAY + timedelta(days=2)).span
    found = archive.objects("XX", "AAA", span)
    assert named(name, found) == {("AAA", c, DAY + timedelta(days=2)) for c in channels_of(name)}
    assert found == sorted(found)
    wide = archive.objects("XX", "AAA", span.widened(1))
    assert {day for _, _, day in named(name, wide)} == {DAY + timedelta(days=n) for n in (1, 2, 3)}
    assert len(wide) == 3 * len(channels_of(name))


def test_of_several_versions_the_newest_is_found() -> None:
    key = "miniseed/CI/2019/172/ADO.CI.2019.172"
    source = MemorySource(dict.fromkeys([key, f"{key}#2", f"{key}#10", f"{key}#9"], b""))
    archive = LayoutArchive(source, LAYOUTS["earthscope"])
    assert [i.key for i in archive.objects("CI", "ADO", StationDay("", DAY).span)] == [f"{key}#10"]


@pytest.mark.parametrize("ahead", [0, 1, 2, 6, 99])
@given(order=st.permutations(range(9)), asked=st.integers(0, 9), again=st.booleans())
def test_what_is_announced_is_read_once_whatever_is_asked_for(
    ahead: int, order: list[int], asked: int, again: bool
) -> None:
    _, source = archive_of("sds", ["XX.AAA"])
    archive = LayoutArchive(source, LAYOUTS["sds"], ahead)
    items = archive.objects("XX", "AAA", StationDay("", DAY + timedelta(days=2)).span.widened(1))
    broken = items[4]
    source.broken[broken.key] = "broken"
    archive.prefetch(items)
    if again:
        archive.prefetch(items[2:])
    for at in order[:asked]:
        if items[at] == broken:
            with pytest.raises(ObjectError, match="broken"):
                archive.read(broken)
        else:
            assert archive.read(items[at]) == items[at].key.encode()
    if not again:
        assert len(source.reads) == len(set(source.reads)) <= asked + ahead


def test_no_more_than_a_few_objects_are_read_ahead() -> None:
    _, source = archive_of("sds", ["XX.AAA"])
    archive = LayoutArchive(source, LAYOUTS["sds"], 2)
    items = archive.objects("XX", "AAA", StationDay("", DAY + timedelta(days=2)).span.widened(1))
    archive.prefetch(items)
    for at, item in enumerate(items):
        archive.read(item)
        time.sleep(0.01)
        assert at < len(source.reads) <= at + 3
    archive.prefetch(items)
    time.sleep(0.01)
    assert len(source.reads) == len(items)


@BY_NAME
def test_what_is_not_there_is_not_found(name: str) -> None:
    archive, _ = archive_of(name, ["XX.AAA"])
    assert archive.objects("XX", "BBB", StationDay("", DAY).span) == []
    assert archive.objects("XX", "AAA", StationDay("", DAY - timedelta(days=9)).span) == []
    assert archive.unreadable() == {}


def test_a_span_over_new_year_looks_into_both_years() -> None:
    keys = [sds_key("XX.AAA..HHZ", day) for day in (date(2019, 12, 31), date(2020, 1, 1))]
    archive = LayoutArchive(MemorySource(dict.fromkeys(keys, b"")), LAYOUTS["sds"])
    span = Span.parse("2019-12-31T23:59:59", "2020-01-01T00:00:01")
    assert [item.key for item in archive.objects("XX", "AAA", span)] == keys


def test_a_folder_is_listed_once() -> None:
    archive, source = archive_of("ncedc", ["XX.AAA", "XX.BBB"])
    span = StationDay("", DAY + timedelta(days=1)).span.widened(1)
    for station in ("AAA", "BBB", "AAA"):
        archive.objects("XX", station, span)
    assert len(source.listings) == len(set(source.listings)) == 3


def test_what_was_just_read_is_not_read_again() -> None:
    archive, source = archive_of("sds", ["XX.AAA"])
    items = archive.objects("XX", "AAA", StationDay("", DAY).span)
    bodies = [archive.read(item) for item in items * 2]
    assert bodies == [item.key.encode() for item in items * 2]
    assert sorted(source.reads) == sorted(item.key for item in items)


def test_what_was_read_long_ago_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    archive, source = archive_of("sds", ["XX.AAA"])
    one, two, three = archive.objects("XX", "AAA", StationDay("", DAY).span)
    monkeypatch.setattr(prefetch_module, "_KEPT_BYTES", 2 * one.size)
    for item in (one, two, one, three, one, two):
        archive.read(item)
    assert source.reads == [one.key, two.key, three.key, two.key]


def test_what_is_not_expected_again_makes_room() -> None:
    archive, source = archive_of("sds", ["XX.AAA"])
    one, two, three = archive.objects("XX", "AAA", StationDay("", DAY).span)
    for item in (one, two):
        archive.read(item)
    archive.prefetch([two, three])
    for item in (two, three, one):
        archive.read(item)
    assert source.reads == [one.key, two.key, three.key, one.key]


def test_what_is_on_its_way_is_not_asked_for_again() -> None:
    _, source = archive_of("sds", ["XX.AAA"])
    archive = LayoutArchive(source, LAYOUTS["sds"], 2)
    one, two, three = archive.objects("XX", "AAA", StationDay("", DAY).span)
    archive.prefetch([one, two])
    archive.prefetch([two, three])
    assert [archive.read(item) for item in (two, three)] == [i.key.encode() for i in (two, three)]
    assert sorted(source.reads) in ([one.key, two.key, three.key], [two.key, three.key])


def test_a_changed_object_is_read_again() -> None:
    archive, source = archive_of("sds", ["XX.AAA"])
    item, *_ = archive.objects("XX", "AAA", StationDay("", DAY).span)
    archive.read(item)
    source.objects[item.key] = b"new"
    (new,) = (i for i in source.list("") if i.key == item.key)
    assert archive.read(new) == b"new"


def test_an_object_that_cannot_be_read_is_told_and_tried_again() -> None:
    archive, source = archive_of("sds", ["XX.AAA"])
    item, *_ = archive.objects("XX", "AAA", StationDay("", DAY).span)
    source.broken[item.key] = "cannot be read: the disk is tired"
    with pytest.raises(ObjectError, match="the disk is tired"):
        archive.read(item)
    source.broken.clear()
    assert archive.read(item) == item.key.encode()


def test_an_archive_is_opened_by_the_name_of_its_layout(tmp_path: Path) -> None:
    assert isinstance(open_archive(str(tmp_path), "sds"), LayoutArchive)
    assert isinstance(open_archive(str(tmp_path), "files"), IndexedArchive)
    assert open_archive(str(tmp_path), "ncedc").location == str(tmp_path.resolve())
    with pytest.raises(InputError, match="unknown layout 'sdss'"):
        open_archive(str(tmp_path), "sdss")
    with pytest.raises(ArchiveError, match="is not a folder"):
        open_archive(str(tmp_path / "nothing"), "sds")


def test_an_object_of_many_gigabytes_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / sds_key("XX.AAA..HHZ", DAY)
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.truncate(10 * 10**9)
    archive = open_archive(str(tmp_path), "sds")
    (item,) = archive.objects("XX", "AAA", AROUND)
    with pytest.raises(ObjectError, match=r"too large: 10\.0 GB; the limit is 2 GB"):
        archive.read(item)
