"""Labels of stations with several positions: those that moved, and boreholes."""

from __future__ import annotations

import io
from dataclasses import replace

from epicat.export.hypodd import write_hypodd
from epicat.export.labels import Labels
from epicat.export.nonlinloc_hyp import write_nonlinloc_hyp
from epicat.model import EVER, Placement, Span, Station
from epicat.table_rows import stations_table
from epicat.time import parse_time
from support.located_catalog import locate
from support.tiny_catalog import ASSOCIATOR, event, part

DAY = parse_time("2020-01-16")
BEFORE = Placement(Span(EVER.start_ns, DAY), -40.1, 175.0, 300.0)
AFTER = Placement(Span(DAY, EVER.end_ns), -40.0, 175.0, -50.0)
MOVED = Station("NZ", "S03", "", (), -40.0, 175.0, -50.0, "NZ.S03", placements=(BEFORE, AFTER))


def test_a_station_that_moved_has_a_label_for_each_position() -> None:
    files = [io.StringIO() for _ in range(3)]
    events = [event([("NZ.S03.", "P", 3 * 10**9, 0.0)], DAY + after) for after in (-(10**10), 0)]
    told = write_hypodd([part(*events)], stations_table([MOVED]), *files)
    text, _, places = (file.getvalue().splitlines() for file in files)
    assert [line.split()[0] for line in text] == ["#", "S03a", "#", "S03"]
    assert places == ["S03     -40.000000 175.000000 -50.0", "S03a    -40.100000 175.000000 300.0"]
    assert told.notes == ("1 station(s) have several positions, with a label for each: S03, S03a",)


def test_the_elevation_of_an_arrival_is_that_of_its_time() -> None:
    heights = []
    for after in (-(10**10), 0):
        known = event([("NZ.S03.", "P", 3 * 10**9, 0.0)], DAY + after)
        origins, arrivals = locate(known[0], associator=ASSOCIATOR)
        file = io.StringIO()
        located = replace(part(known), origins=origins, origin_arrivals=arrivals)
        write_nonlinloc_hyp([located], stations_table([MOVED]), file)
        (line,) = (line for line in file.getvalue().splitlines() if line.startswith("S03"))
        heights.append((line.split()[0], float(line.partition(">")[2].split()[5])))
    assert heights == [("S03a", -0.3), ("S03", 0.05)]


def test_a_deep_borehole_has_its_own_label_and_a_shallow_one_has_not() -> None:
    def sensor(location: str, elevation: float) -> Station:
        return Station("NZ", "B1", location, (), -40.0, 175.0, elevation, "NZ.B1")

    labels = Labels(stations_table([sensor("00", 20.0), sensor("10", -2180.0)]))
    assert [(p.label, p.elevation_m) for p in labels.places] == [("B1", 20.0), ("B1a", -2180.0)]
    assert labels.at("NZ.B1.10", 0).label == "B1a"
    assert labels.at("NZ.B1.77", 0).label == "B1"
    near = Labels(stations_table([sensor("00", 20.0), sensor("10", -30.0)]))
    assert [p.label for p in near.places] == ["B1"]
    assert near.at("NZ.B1.10", 0).label == "B1"
    assert not near.notes()
