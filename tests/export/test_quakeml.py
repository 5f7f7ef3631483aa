from __future__ import annotations

import csv
import io
import math
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from epicat.export.origin import Ellipsoid
from epicat.export.quakeml import write_quakeml
from epicat.export.quakes import Part
from epicat.geo import distance_azimuth
from epicat.model import Arrival, Event, Pick
from epicat.time import SECOND_NS, parse_time
from support.located_catalog import (
    LOCATION,
    SQUARE,
    arrival_row,
    locate,
    origin_arrivals_table,
    origin_row,
    origins_table,
)
from support.tiny_catalog import ASSOCIATOR, IDS, RUN, START, STATIONS, event, many, part

obspy = pytest.importorskip("obspy")
etree = pytest.importorskip("lxml.etree")

ROWS = [
    (IDS[0], "P", 2_345_678_912, 0.1234),
    (IDS[0], "S", 4_100_000_500, -0.25),
    (IDS[3], "P", 3_000_000_000, 0.0),
]


@cache
def _schemas() -> tuple[Any, Any]:
    folder = Path(obspy.__file__).parent / "io" / "quakeml" / "data"
    return (
        etree.XMLSchema(etree.parse(str(folder / "QuakeML-1.2.xsd"))),
        etree.RelaxNG(etree.parse(str(folder / "QuakeML-1.2.rng"))),
    )


def text_of(*parts: Part) -> str:
    file = io.StringIO()
    write_quakeml(iter(parts), STATIONS, file)
    return file.getvalue()


def checked(text: str) -> Any:
    """Return what ObsPy reads, after both schemas were held against it."""
    document = etree.fromstring(text.encode())
    for schema in _schemas():
        schema.assertValid(document)
    return obspy.read_events(io.BytesIO(text.encode()), format="QUAKEML")


def test_the_document_has_the_name_of_the_catalog() -> None:
    found = part(event(ROWS))
    assert checked(text_of(found)).description is None
    named = replace(found, catalog="a < b")
    assert checked(text_of(named)).description == "a < b"


def test_obspy_reads_what_was_written() -> None:
    found, picks = event(ROWS, place=(-40.123456, 175.654321, 8.5432), rms_s=0.1234)
    (read,) = checked(text_of(part((found, picks))))
    origin = read.preferred_origin()
    assert read.resource_id.id == f"smi:local/epicat/event/{found.id(ASSOCIATOR)}"
    assert (read.event_type, read.event_type_certainty) == ("earthquake", "suspected")
    assert (read.creation_info.agency_id, read.creation_info.version) == ("epicat", "0.1.0")
    assert origin.time._ns == round(START, -3)
    assert (origin.latitude, origin.longitude, origin.depth) == (-40.123456, 175.654321, 8543.2)
    assert (origin.evaluation_mode, origin.evaluation_status) == ("automatic", "preliminary")
    assert origin.method_id.id == f"smi:local/epicat/associator/{ASSOCIATOR}"
    assert origin.origin_uncertainty is None
    quality = origin.quality
    assert (quality.used_phase_count, quality.used_station_count) == (3, 2)
    assert (quality.standard_error, quality.azimuthal_gap) == (0.1234, 101.5)
    assert obspy.geodetics.degrees2kilometers(quality.minimum_distance) == pytest.approx(
        12.345, abs=1e-4
    )
    assert read.comments == []


def test_obspy_reads_every_arrival_with_its_pick() -> None:
    (read,) = checked(text_of(part(event(ROWS))))
    by_id = {pick.resource_id: pick for pick in read.picks}
    assert len(by_id) == 3
    rows = sorted(ROWS, key=lambda row: row[2])
    for found, (name, phase, after, residual) in zip(
        read.preferred_origin().arrivals, rows, strict=True
    ):
        pick = by_id[found.pick_id]
        assert abs(pick.time._ns - START - after) <= 500  # to the microsecond
        assert pick.time._ns % 1000 == 0
        assert (found.phase, pick.phase_hint) == (phase, phase)
        assert (found.time_residual, found.azimuth) == (residual, 67.89)
        assert obspy.geodetics.degrees2kilometers(found.distance) == pytest.approx(12.345, abs=1e-4)
        assert pick.waveform_id.get_seed_string() == f"{name}.HH"
        assert pick.evaluation_mode == "automatic"
        assert pick.method_id.id == f"smi:local/epicat/run/{RUN}"
        assert pick.comments[0].text == "probability 0.7500"


def located(*found: Any, **changes: Any) -> Part:
    origins, arrivals = locate(*(e for e, _ in found), associator=ASSOCIATOR, **changes)
    return replace(part(*found), origins=origins, origin_arrivals=arrivals)


def test_a_located_event_has_both_origins() -> None:
    found = event(ROWS, place=(-40.0, 175.0, 8.5))
    (read,) = checked(text_of(located(found)))
    best, first = read.origins
    assert read.preferred_origin_id == best.resource_id != first.resource_id
    assert (first.latitude, first.depth, first.origin_uncertainty) == (-40.0, 8500.0, None)
    assert (best.latitude, best.longitude, best.depth) == (-39.99, 175.01, 9500.0)
    assert best.time._ns - first.time._ns == SECOND_NS // 2
    assert best.method_id.id == f"smi:local/epicat/location/{LOCATION}"
    assert best.comments[0].text == "Quality class B"
    assert len(read.picks) == len(best.arrivals) == len(first.arrivals) == 3


def test_the_uncertainty_of_a_located_event() -> None:
    (read,) = checked(text_of(located(event(ROWS, place=(-40.0, 175.0, 8.5)))))
    origin = read.preferred_origin()
    errors = origin.origin_uncertainty
    assert errors.preferred_description == "uncertainty ellipse"
    assert round(errors.confidence_level) == 68
    assert (errors.max_horizontal_uncertainty, errors.min_horizontal_uncertainty) == (850, 420)
    assert errors.azimuth_max_horizontal_uncertainty == 69.5
    solid, known = errors.confidence_ellipsoid, Ellipsoid.from_covariance(SQUARE)
    assert solid.semi_major_axis_length == pytest.approx(1000 * known.major_km, abs=0.01)
    assert solid.major_axis_plunge == pytest.approx(known.plunge_deg, abs=0.01)
    depth = origin.depth_errors
    assert (depth.uncertainty, depth.lower_uncertainty, depth.upper_uncertainty) == (742, 742, 742)
    assert origin.time_errors.uncertainty == 0.081
    to_km = obspy.geodetics.degrees2kilometers
    assert to_km(origin.latitude_errors.uncertainty) == pytest.approx(SQUARE[1, 1] ** 0.5, abs=1e-4)
    east = to_km(origin.longitude_errors.uncertainty) * math.cos(math.radians(origin.latitude))
    assert east == pytest.approx(SQUARE[0, 0] ** 0.5, abs=1e-4)


def test_arrivals_of_a_located_event() -> None:
    known = event(ROWS)
    row = origin_row(known[0], ASSOCIATOR)
    rows = [arrival_row(row, a) for a in known[0].arrivals]
    rows[1].update(inlier_probability=0.02, residual_s=1.5)
    whole = replace(
        part(known), origins=origins_table(row), origin_arrivals=origin_arrivals_table(*rows)
    )
    (read,) = checked(text_of(whole))
    origin = read.preferred_origin()
    good, _, wrong = origin.arrivals  # the S is last
    assert (good.time_residual, good.time_weight, good.time_correction) == (0.031, 0.9, -0.02)
    assert (wrong.time_residual, wrong.time_weight) == (1.5, 0.02)
    assert good.takeoff_angle == 101.5
    assert good.pick_id.get_referred_object().time_errors.uncertainty == 0.047
    quality = origin.quality
    assert (quality.associated_phase_count, quality.used_phase_count) == (3, 2)
    assert quality.secondary_azimuthal_gap == 200


def test_picks_that_joined_or_left_are_there_once() -> None:
    known = event(ROWS)
    row = origin_row(known[0], ASSOCIATOR)
    first, second, _ = known[0].arrivals
    new = arrival_row(row, second, pick_id="joined", time=second.time_ns + 5, added=True)
    whole = replace(
        part(known),
        origins=origins_table(row),
        origin_arrivals=origin_arrivals_table(arrival_row(row, first), new),
    )
    (read,) = checked(text_of(whole))
    best, association = read.origins
    assert (len(best.arrivals), len(association.arrivals), len(read.picks)) == (2, 3, 4)
    for arrival in (*best.arrivals, *association.arrivals):
        assert arrival.pick_id.get_referred_object() in read.picks


def test_a_fixed_depth_and_an_unmet_criterion_are_said() -> None:
    found = located(event(ROWS), depth_fixed=True, quality="C", rejected="3 picks < 5")
    (read,) = checked(text_of(found))
    origin = read.preferred_origin()
    assert origin.depth_type == "operator assigned"
    assert origin.comments[0].text == "Quality class C; the depth is fixed"
    assert read.comments[0].text.endswith("no longer meet: 3 picks < 5")


def test_an_empty_catalog_is_a_document() -> None:
    assert len(checked(text_of())) == len(checked(text_of(part()))) == 0


def test_the_same_tables_give_the_same_bytes() -> None:
    first, second = many(30), many(30, first=30)
    assert text_of(first, second) == text_of(first, second)


def test_an_edge_event_says_so() -> None:
    (read,) = checked(text_of(part(event(ROWS, edge=True))))
    assert "edge of the search box" in read.comments[0].text


def test_what_is_not_a_number_is_left_out() -> None:
    found, picks = event([(IDS[0], "P", SECOND_NS, math.nan)], rms_s=math.nan)
    found = replace(found, gap_deg=math.inf)
    picks = [replace(picks[0], confidence=math.nan)]
    (read,) = checked(text_of(part((found, picks))))
    origin = read.preferred_origin()
    assert origin.quality.standard_error is None
    assert origin.quality.azimuthal_gap is None
    assert origin.arrivals[0].time_residual is None
    assert read.picks[0].comments == []


def test_a_missing_pick_leaves_its_arrival_valid() -> None:
    whole = part(event(ROWS))
    (read,) = checked(text_of(replace(whole, picks=whole.picks.slice(0, 0))))
    assert len(read.picks) == len(read.preferred_origin().arrivals) == 3
    assert read.picks[0].waveform_id.channel_code is None


def test_an_unknown_location_is_left_out() -> None:
    (read,) = checked(text_of(part(event([("XX.A.*", "P", 0, 0.0), ("XX.B.", "P", 1, 0.0)]))))
    assert [p.waveform_id.location_code for p in read.picks] == [None, ""]


def test_long_codes_are_written_with_a_warning() -> None:
    file = io.StringIO()
    whole = part(event([("XX.LONGSTATION.", "P", 0, 0.0)]))
    written = write_quakeml([whole], STATIONS, file)
    assert "XX.LONGSTATION." in written.notes[0]
    read = obspy.read_events(io.BytesIO(file.getvalue().encode()), format="QUAKEML")
    assert read[0].picks[0].waveform_id.station_code == "LONGSTATION"


CODE = st.text(max_size=8).filter(lambda code: "." not in code)
PHASES = st.text(min_size=1, max_size=8)


@given(
    place=st.tuples(st.floats(-90, 90), st.floats(-180, 180), st.floats(-9, 700)),
    rms=st.floats(),
    codes=st.tuples(CODE, CODE, CODE),
    phase=PHASES,
    time_ns=st.integers(-(2**60), 2**62),
)
@example((0.0, -180.0, -4.0), math.nan, ("", "<&\">'", "\x00"), "P<", 0)
@example((-0.0000001, 179.9999999, -0.0), math.inf, ("%", "~", "\ud7ff"), "]]>", 999_999_999)
def test_odd_values_stay_valid(
    place: tuple[float, float, float],
    rms: float,
    codes: tuple[str, str, str],
    phase: str,
    time_ns: int,
) -> None:
    rows = [(".".join(codes), phase, SECOND_NS, 0.0)]
    found = event(rows, time_ns, place, rms)
    (read,) = checked(text_of(part(found)))
    origin = read.preferred_origin()
    assert origin.latitude == pytest.approx(place[0], abs=1e-6)
    assert origin.longitude == pytest.approx(place[1], abs=1e-6)
    assert origin.depth == pytest.approx(place[2] * 1000, abs=0.051)
    assert abs(origin.time._ns - time_ns) <= 500
    assert (origin.quality.standard_error is not None) == math.isfinite(rms)


def test_memory_does_not_grow_with_the_catalog() -> None:
    class Nowhere(io.TextIOBase):
        def write(self, text: str, /) -> int:
            return len(text)

    def peak(pieces: int) -> int:
        parts = (many(500, 4, first=500 * at) for at in range(pieces))
        tracemalloc.start()
        try:
            assert write_quakeml(parts, STATIONS, Nowhere()).events == 500 * pieces
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1)
    assert peak(8) < 1.2 * peak(2)


def test_thousands_of_events_are_valid() -> None:
    text = text_of(*(many(1_000, 8, first=1_000 * at) for at in range(3)))
    document = etree.fromstring(text.encode(), etree.XMLParser(huge_tree=True))
    for schema in _schemas():
        schema.assertValid(document)
    space = "{http://quakeml.org/xmlns/bed/1.2}"
    assert len(document.findall(f".//{space}event")) == 3_000
    names = [found.get("publicID") for found in document.iter() if found.get("publicID")]
    assert len(set(names)) == len(names)  # of events, origins, picks and arrivals


def test_a_real_catalog_is_valid_and_comes_back(realdata: Path) -> None:
    found = list(_holuhraun(realdata / "holuhraun"))
    read = checked(text_of(part(*found)))
    assert len(read) == len(found) > 20
    found.sort(key=lambda one: one[0].time_ns)
    for (known, _), back in zip(found, read, strict=True):
        origin = back.preferred_origin()
        assert abs(origin.time._ns - known.time_ns) <= 500
        assert origin.latitude == pytest.approx(known.latitude, abs=1e-6)
        assert len(origin.arrivals) == len(known.arrivals)
        for arrival in origin.arrivals:
            pick = arrival.pick_id.get_referred_object()
            assert pick.time > origin.time


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _holuhraun(folder: Path) -> Iterator[tuple[Event, list[Pick]]]:
    places = {row["id"].split(".")[1]: row for row in _rows(folder / "stations.csv")}
    picks = [row for row in _rows(folder / "reference_picks.csv") if row["PickTime"] != "-1"]
    for row in _rows(folder / "reference_events.csv"):
        latitude, longitude = float(row["Y"]), float(row["X"])
        known = [p for p in picks if p["EventID"] == row["EventID"]]
        times = [parse_time(p["PickTime"]) for p in known]
        made = [
            Pick(time, f"{places[p['Station']]['id']}.", "HH", p["Phase"], 0.5, time, time)
            for p, time in zip(known, times, strict=True)
        ]
        sites = [places[p["Station"]] for p in known]
        distance, azimuth = distance_azimuth(
            latitude,
            longitude,
            [float(s["latitude"]) for s in sites],
            [float(s["longitude"]) for s in sites],
        )
        arrivals = tuple(
            Arrival(m.id(RUN), m.trace_id, m.phase, m.time_ns, float(p["Residual"]), d, a)
            for m, p, d, a in zip(made, known, distance.tolist(), azimuth.tolist(), strict=True)
        )
        yield (
            Event(parse_time(row["DT"]), latitude, longitude, float(row["Z"]), 0.0, 0.0, 0.1,
                  90.0, float(distance.min()), len(sites), False, arrivals),
            made,
        )  # fmt: skip
