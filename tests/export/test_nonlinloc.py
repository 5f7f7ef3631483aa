from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epicat.errors import InputError
from epicat.export.nonlinloc import UNCERTAINTY_S, write_nonlinloc
from epicat.export.quakeml import write_quakeml
from epicat.export.quakes import Part
from epicat.time import SECOND_NS, parse_time
from support.tiny_catalog import ASSOCIATOR, IDS, STATIONS, event, many, network, part

ROWS = [(IDS[0], "P", 2_345_600_000, 0.1), (IDS[0], "S", 4_100_000_000, -0.2)]


def text_of(*parts: Part, stations: object = STATIONS) -> str:
    file = io.StringIO()
    write_nonlinloc(parts, stations, file, io.StringIO())
    return file.getvalue()


def read_back(text: str) -> list[list[tuple[str, str, int, float]]]:
    """Read as NonLinLoc does: 14 fields by blanks, any other line ends an event."""
    events: list[list[tuple[str, str, int, float]]] = [[]]
    for line in text.splitlines():
        fields = line.split()
        if len(fields) != 14:
            events.append([])
            continue
        assert fields[9] == "GAU"
        day = datetime.strptime(fields[6] + fields[7], "%Y%m%d%H%M").replace(tzinfo=UTC)
        assert 0 <= float(fields[8]) < 60
        since = day - datetime(1970, 1, 1, tzinfo=UTC)
        time_ns = since // timedelta(seconds=1) * SECOND_NS + round(float(fields[8]) * 1e4) * 10**5
        events[-1].append((fields[0], fields[4], time_ns, float(fields[10])))
    return [found for found in events if found]


def test_an_event_is_a_block_of_lines() -> None:
    found = event(ROWS)
    assert text_of(part(found)).splitlines() == [
        f"PUBLIC_ID smi:local/epicat/event/{found[0].id(ASSOCIATOR)}",
        "ST00   ?    HH   ? P      ? 20190704 1733 51.4691 GAU  1.00e-01"
        " -1.00e+00 -1.00e+00 -1.00e+00",
        "ST00   ?    HH   ? S      ? 20190704 1733 53.2235 GAU  2.00e-01"
        " -1.00e+00 -1.00e+00 -1.00e+00",
        "",
    ]


def test_an_empty_catalog_is_an_empty_file() -> None:
    assert text_of() == ""


@given(
    time_ns=st.integers(0, 2**61),
    after=st.lists(st.integers(0, 200 * SECOND_NS), min_size=1, max_size=5, unique=True),
)
def test_times_come_back(time_ns: int, after: list[int]) -> None:
    rows = [(IDS[0], "PS"[a % 2], a, 0.0) for a in sorted(after)]
    (back,) = read_back(text_of(part(event(rows, time_ns))))
    assert len(back) == len(rows)
    for (label, phase, time, error), row in zip(back, rows, strict=True):
        assert (label, phase, error) == ("ST00", row[1], UNCERTAINTY_S[row[1]])
        assert abs(time - time_ns - row[2]) <= 50_000


def test_seconds_never_round_to_sixty() -> None:
    midnight = parse_time("2020-01-01")
    text = text_of(part(event([(IDS[0], "P", 0, 0.0)], midnight - 1)))
    assert read_back(text)[0][0][2] == midnight


def test_events_are_kept_apart() -> None:
    back = read_back(text_of(many(50, readings=6), many(50, readings=6, first=50)))
    assert [len(found) for found in back] == [6] * 100


def test_obspy_writes_the_same_lines() -> None:
    obspy = pytest.importorskip("obspy")
    whole, file = part(event(ROWS)), io.StringIO()
    write_quakeml([whole], STATIONS, file)
    read = obspy.read_events(io.BytesIO(file.getvalue().encode()), format="QUAKEML")
    for pick in read[0].picks:
        pick.time_errors.uncertainty = UNCERTAINTY_S[pick.phase_hint]
    out = io.BytesIO()
    read.write(out, format="NLLOC_OBS")
    ours = [line.split() for line in text_of(whole).splitlines()]
    assert [line.split() for line in out.getvalue().decode().splitlines()] == ours[:-1]


def test_codes_that_networks_share_get_the_network() -> None:
    stations = network("AA.X.", "BB.X.", "BB.Y.")
    rows = [(name, "P", at, 0.0) for at, name in enumerate(["AA.X.", "BB.X.", "BB.Y.00"])]
    file, places = io.StringIO(), io.StringIO()
    write_nonlinloc([part(event(rows))], stations, file, places)
    assert [label for label, *_ in read_back(file.getvalue())[0]] == ["AAX", "BBX", "Y"]
    assert places.getvalue().splitlines() == [
        "GTSRCE AAX LATLON 10.000000 20.000000 0.0 0.0000",
        "GTSRCE BBX LATLON 11.000000 21.000000 0.0 0.0300",
        "GTSRCE Y LATLON 12.000000 22.000000 0.0 0.0600",
    ]


def test_two_places_of_one_code_get_the_location() -> None:
    stations = network("AA.X.00", "AA.X.10", names=["AA.X.00", "AA.X.10"])
    rows = [("AA.X.00", "P", 1, 0.0), ("AA.X.10", "P", 2, 0.0)]
    (back,) = read_back(text_of(part(event(rows)), stations=stations))
    assert [label for label, *_ in back] == ["AAX00", "AAX10"]


def test_labels_that_coincide_are_refused() -> None:
    with pytest.raises(InputError, match="the same label"):
        text_of(stations=network("AA.X.", "BB.X.", "CC.AAX."))


def test_an_arrival_at_an_unknown_station_is_refused() -> None:
    with pytest.raises(InputError, match=r"ZZ\.Q\.00"):
        text_of(part(event([("ZZ.Q.00", "P", 0, 0.0)])))


def test_long_labels_are_kept_with_a_warning() -> None:
    file = io.StringIO()
    whole = part(event([("AA.STATION8.", "P", 0, 0.0)]))
    written = write_nonlinloc([whole], network("AA.STATION8."), file)
    assert "STATION8 ?    HH" in file.getvalue()
    assert "STATION8" in written.notes[0]
