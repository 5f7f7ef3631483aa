from __future__ import annotations

import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epicat.export.fdsn_text import write_fdsn_text
from epicat.export.quakes import Part
from epicat.time import SECOND_NS
from support.tiny_catalog import ASSOCIATOR, IDS, START, STATIONS, event, many, part

HEADER = (
    "#EventID|Time|Latitude|Longitude|Depth/km|Author|Catalog|Contributor|ContributorID"
    "|MagType|Magnitude|MagAuthor|EventLocationName"
)
ROWS = [(IDS[0], "P", SECOND_NS, 0.1)]


def text_of(*parts: Part) -> str:
    file = io.StringIO()
    write_fdsn_text(parts, STATIONS, file)
    return file.getvalue()


def test_a_line_has_the_fields_of_the_header() -> None:
    found = event(ROWS, place=(-40.5, 175.25, -0.75))
    name = found[0].id(ASSOCIATOR)
    assert text_of(part(found)).splitlines() == [
        HEADER,
        f"{name}|2019-07-04T17:33:49.123456|-40.500000|175.250000|-0.7500|epicat|{ASSOCIATOR}"
        f"|epicat|{name}||||",
    ]
    assert HEADER.count("|") == text_of(part(found)).splitlines()[1].count("|")


def test_a_catalog_is_called_by_its_name() -> None:
    found = part(event(ROWS))
    assert text_of(found).splitlines()[1].split("|")[6] == ASSOCIATOR
    named = replace(found, catalog="PhaseNet-original-0.3")
    assert text_of(named).splitlines()[1].split("|")[6] == "PhaseNet-original-0.3"


def test_an_empty_catalog_is_a_header() -> None:
    assert text_of() == HEADER + "\n"


@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 2**61),
            st.floats(-90, 90),
            st.floats(-180, 180),
            st.floats(-9, 700),
        ),
        max_size=4,
        unique_by=lambda row: row[0],
    )
)
def test_obspy_reads_it(rows: list[tuple[int, float, float, float]]) -> None:
    obspy = pytest.importorskip("obspy")
    found = [event(ROWS, time, place) for time, *place in sorted(rows)]  # type: ignore[arg-type]
    text = text_of(part(*found))
    read = obspy.read_events(io.StringIO(text), format="EVENTTXT")
    assert [e.resource_id.id for e in read] == [e.id(ASSOCIATOR) for e, _ in found]
    for back, (known, _) in zip(read, found, strict=True):
        origin = back.origins[0]
        assert abs(origin.time._ns - known.time_ns) <= 500
        assert origin.latitude == pytest.approx(known.latitude, abs=1e-6)
        assert origin.longitude == pytest.approx(known.longitude, abs=1e-6)
        assert origin.depth == pytest.approx(known.depth_km * 1000, abs=0.051)
        assert back.magnitudes == []


def test_obspy_knows_the_file_by_itself(tmp_path) -> None:  # type: ignore[no-untyped-def]
    obspy = pytest.importorskip("obspy")
    path = tmp_path / "catalog.txt"
    path.write_text(text_of(many(20)))
    read = obspy.read_events(str(path))
    assert len(read) == 20
    assert abs(read[0].origins[0].time._ns - START) <= 500
