"""Whatever names and codes say, nothing outside of a folder is reached by them."""

from __future__ import annotations

from datetime import date
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epicat.archive.layouts import LAYOUTS
from epicat.errors import InputError, StoreError
from epicat.fs.base import leads_out
from epicat.fs.local import LocalFiles
from epicat.imports.picks import read_picks
from epicat.model import StationDay
from epicat.stations.channel_epoch import check_codes

HOSTILE = ("../../x", "..", "/etc/x", "a/../../x", "x\0y")
ODD = ("..\\..\\x", "C:\\x", "…", "a b", "$(touch x)", "-rf", "x" * 200, "a\nb", "é/ß", "...")
"""Names that are strange and lead nowhere."""

parts = st.one_of(
    st.sampled_from(["..", ".", "/", "\\", "C:", "~", "\0", "", "*", "$ne", "x" * 300]),
    st.text(max_size=8),
)
names = st.lists(parts, max_size=5).map("/".join)


@given(names)
def test_a_name_that_does_not_lead_out_lies_below(name: str) -> None:
    root = Path("/root/of/it")
    if not leads_out(name):
        assert (root / name).is_relative_to(root)
        assert ".." not in PurePosixPath(name).parts


@pytest.mark.parametrize("name", HOSTILE)
def test_a_store_touches_nothing_outside_of_its_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "x").write_text("theirs")
    (tmp_path / "a").mkdir()
    files = LocalFiles(tmp_path / "a" / "store")
    files.prepare()
    for touch in (files.read, files.exists, files.list, lambda n: files.part(n, 0, 1),
                  lambda n: files.write(n, b"ours"), lambda n: files.delete([n])):  # fmt: skip
        with pytest.raises(StoreError, match="is not a valid file name"):
            touch(name)
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["x"]
    assert (tmp_path / "x").read_text() == "theirs"


@pytest.mark.parametrize("name", ODD)
def test_a_store_keeps_files_of_strange_names(tmp_path: Path, name: str) -> None:
    files = LocalFiles(tmp_path / "store")
    files.prepare()
    files.write(f"records/{name}", b"ours")
    assert files.read(f"records/{name}") == b"ours"
    assert all(p.is_relative_to(tmp_path / "store") for p in tmp_path.rglob("*") if p.is_file())


@given(parts, parts, parts, parts)
def test_codes_that_are_taken_lead_nowhere(network, station, location, channel) -> None:
    try:
        check_codes(network, station, location, channel)
    except ValueError:
        return
    day = date(2020, 2, 29)
    for layout in LAYOUTS.values():
        assert not leads_out(layout.prefix(network, station, day))
    key = StationDay(f"{network}.{station}.{location}", day)
    assert StationDay.parse(str(key)) == key
    assert not leads_out(str(key))
    assert str(key).count("/") == 1


@given(names)
def test_a_layout_takes_no_code_with_a_slash_from_a_key(key: str) -> None:
    for layout in LAYOUTS.values():
        entry = layout.parse(key)
        if entry is not None:
            assert "/" not in entry.network + entry.station + entry.location + entry.channel


@pytest.mark.parametrize(
    "trace", ["../../x.y", "NC.../..", "/.etc", "NC.K\0G", "NC.$ne", "N C.KBG"]
)
def test_picks_of_others_bring_no_such_codes(tmp_path: Path, trace: str) -> None:
    file = tmp_path / "picks.csv"
    file.write_text(f"trace_id,phase,time\n{trace},P,2020-01-01T00:00:00\n")
    with pytest.raises(InputError, match=r"is not NET\.STA"):
        read_picks(file)
