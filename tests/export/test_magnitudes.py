"""Magnitudes in exports: QuakeML by ObsPy and both schemas, text formats, first motions."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from epicat.export.fdsn_text import write_fdsn_text
from epicat.export.hypodd import write_hypodd
from epicat.export.quakeml import write_quakeml
from epicat.export.quakes import Part
from epicat.export.skhash import write_skhash
from epicat.located import events_at_best_places, events_with_magnitudes
from epicat.tables import ORIGINS
from support.sized_catalog import magnitude_tables
from support.tiny_catalog import ASSOCIATOR, IDS, STATIONS, event, part

obspy = pytest.importorskip("obspy")
etree = pytest.importorskip("lxml.etree")

ROWS = [
    (IDS[0], "P", 2_345_678_912, 0.1234),
    (IDS[0], "S", 4_100_000_500, -0.25),
    (IDS[3], "P", 3_000_000_000, 0.0),
]


def sized(**changes: Any) -> tuple[Part, Any]:
    found = event(ROWS)
    magnitudes, stations = magnitude_tables(found[0])
    given = replace(part(found), magnitudes=magnitudes, station_magnitudes=stations, **changes)
    return given, found[0]


def read(given: Part) -> Any:
    """Return the event that ObsPy reads, after both schemas were held against the document."""
    file = io.StringIO()
    write_quakeml(iter([given]), STATIONS, file)
    document = etree.fromstring(file.getvalue().encode())
    folder = Path(obspy.__file__).parent / "io" / "quakeml" / "data"
    etree.XMLSchema(etree.parse(str(folder / "QuakeML-1.2.xsd"))).assertValid(document)
    etree.RelaxNG(etree.parse(str(folder / "QuakeML-1.2.rng"))).assertValid(document)
    return obspy.read_events(io.BytesIO(file.getvalue().encode()), format="QUAKEML")


def test_quakeml_has_the_magnitude_with_its_stations() -> None:
    given, _ = sized()
    (found,) = read(given)
    magnitude = found.preferred_magnitude()
    assert (magnitude.mag, magnitude.mag_errors.uncertainty) == (1.234, 0.081)
    assert (magnitude.magnitude_type, magnitude.station_count) == ("ML", 1)
    assert magnitude.origin_id == found.preferred_origin_id
    assert "hutton-boore" in magnitude.comments[0].text
    (bound, one) = found.station_magnitudes
    assert (one.mag, bound.mag) == (1.3, 1.1)
    assert bound.comments[0].text == "upper bound: below noise"
    assert bound.waveform_id.station_code == "FAR"
    (amplitude,) = found.amplitudes
    assert amplitude.generic_amplitude == pytest.approx(2.5e-4)
    assert (amplitude.unit, amplitude.type, amplitude.period) == ("m", "AML", 0.4)
    assert amplitude.pick_id in {pick.resource_id for pick in found.picks}
    assert one.amplitude_id == amplitude.resource_id
    weights = {c.station_magnitude_id: c for c in magnitude.station_magnitude_contributions}
    assert weights[one.resource_id].residual == pytest.approx(0.066)
    assert weights[one.resource_id].weight == 0.97
    assert weights[bound.resource_id].residual is None


def test_obspy_plots_the_catalog() -> None:
    pytest.importorskip("cartopy")
    given, _ = sized()
    read(given).plot(show=False)


def test_first_motions_are_polarities_of_picks() -> None:
    _, found = sized()
    first, last = (a.pick_id for a in found.arrivals if a.phase == "P")
    given, _ = sized(polarities={first: 1, last: -1})
    (catalog,) = read(given)
    by_id = {str(pick.resource_id).rpartition("/")[2]: pick.polarity for pick in catalog.picks}
    assert (by_id[first], by_id[last]) == ("positive", "negative")
    assert sum(polarity is None for polarity in by_id.values()) == 1


def test_text_formats_have_the_magnitude() -> None:
    given, _ = sized()
    file = io.StringIO()
    write_fdsn_text(iter([given]), STATIONS, file)
    assert "|ML|1.23|epicat|" in file.getvalue()
    files = io.StringIO(), io.StringIO(), io.StringIO()
    write_hypodd(iter([given]), STATIONS, *files)
    assert " 1.23 " in files[0].getvalue().splitlines()[0]


def test_events_have_the_computed_magnitude_else_the_imported_one() -> None:
    small, large = event(ROWS), event(ROWS, time_ns=10**18)
    imported = [(replace(e, magnitude=3.0, magnitude_type="Mw"), p) for e, p in (small, large)]
    best = events_at_best_places(part(*imported).events, ORIGINS.empty_table())
    magnitudes, _ = magnitude_tables(small[0])
    rows = {r["event_id"]: r for r in events_with_magnitudes(best, magnitudes).to_pylist()}
    own, other = (rows[e.id(ASSOCIATOR)] for e, _ in (small, large))
    assert (own["magnitude"], own["magnitude_type"], own["magnitude_error"]) == (1.234, "ML", 0.081)
    assert (other["magnitude"], other["magnitude_type"]) == (3.0, "Mw")
    assert other["magnitude_stations"] is None


def test_skhash_has_decided_first_motions_and_their_stations() -> None:
    _, found = sized()
    first, last = (a.pick_id for a in found.arrivals if a.phase == "P")
    given, _ = sized(polarities={first: 1, last: 0})
    files = io.StringIO(), io.StringIO()
    written = write_skhash(iter([given]), STATIONS, *files)
    assert (written.events, written.arrivals) == (1, 1)
    (row,) = csv.DictReader(io.StringIO(files[0].getvalue()))
    assert row["event_id"] == found.id(ASSOCIATOR)
    assert (row["p_polarity"], row["channel"], row["azimuth"]) == ("1", "HHZ", "67.89")
    assert float(row["sr_dist_km"]) == pytest.approx((12.345**2 + 8.5**2) ** 0.5, abs=1e-3)
    (station,) = csv.DictReader(io.StringIO(files[1].getvalue()))
    assert (station["station"], station["location"]) == (row["station"], row["location"])
