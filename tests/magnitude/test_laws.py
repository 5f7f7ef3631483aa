"""Magnitude laws: published values, ranges and what users type."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from epicat.errors import InputError, NameChoiceError
from epicat.magnitude.laws import law_named, law_names, laws


def test_hutton_and_boore_is_anchored_at_magnitude_3_for_1_mm_at_100_km() -> None:
    assert law_named("hutton-boore").magnitude(1.0, 100.0) == pytest.approx(3.0, abs=1e-12)


def test_iaspei_is_hutton_and_boore_in_nanometres_of_the_ground() -> None:
    distance = np.array([10.0, 100.0, 500.0])
    amplitude_nm = 1e6 / 2080  # of 1 mm on the record
    expected = np.log10(amplitude_nm) + 1.11 * np.log10(distance) + 0.00189 * distance - 2.09
    assert law_named("iaspei").magnitude(1.0, distance) == pytest.approx(expected, abs=1e-12)


def test_california_equals_the_values_in_its_own_code() -> None:
    """CISN_mlAo: 1.5429 at 8 km, 2.6182 at 60 km, and a line in log10(R) below 8 km."""
    law = law_named("california")
    assert law.correction([8.0, 60.0]) == pytest.approx([1.5429, 2.6182], abs=2e-3)
    line = 1.5429 + (2.6182 - 1.5429) / math.log10(60 / 8) * math.log10(3 / 8)
    assert law.correction(3.0) == pytest.approx(line, abs=3e-3)
    assert law_named("northern-california") is law


def test_the_british_law_lowers_magnitudes_near_the_source_only() -> None:
    difference = law_named("uk").correction([1.0, 100.0]) - law_named("iaspei").correction([1, 100])
    assert difference == pytest.approx([-1.16 * math.exp(-0.2), 0.0], abs=1e-6)


def test_a_law_of_another_gain_takes_amplitudes_of_gain_2080() -> None:
    law = law_named("new-zealand")
    expected = math.log10(2800 / 2080) + 1.493 * 2 + 0.1272 - 0.2869
    assert law.magnitude(1.0, 100.0) == pytest.approx(expected)


@pytest.mark.parametrize("law", laws(), ids=lambda law: law.name)
def test_laws_are_finite_and_name_their_source(law) -> None:
    distance = np.geomspace(max(law.nearest_km, 1.0), min(law.farthest_km or 500.0, 500.0), 50)
    values = law.correction(distance)
    assert np.isfinite(values).all()
    assert (np.diff(values) > -0.02).all(), "attenuation grows with distance"
    assert law.source
    assert law.region
    assert law.holds(distance[1:-1]).all()
    assert law_named(law.name) == law


def test_outside_the_range_a_law_does_not_hold() -> None:
    law = law_named("hutton-boore")
    assert law.holds([9.9, 10.0, 700.0, 701.0]).tolist() == [False, True, True, False]
    assert law.range_text == "10-700 km"


def test_coefficients_are_a_law() -> None:
    law = law_named("1.11, 0.00189, 0.591, vertical")
    assert law.component == "vertical"
    assert law.correction(100.0) == pytest.approx(1.11 * 2 + 0.189 + 0.591)


@pytest.mark.parametrize("text", ["1.11,0.00189", "a,b,c", "1,2,3,east", "1,2,nan", "1,2,3,4"])
def test_other_coefficients_are_refused(text) -> None:
    with pytest.raises(InputError, match="three numbers"):
        law_named(text)


def test_an_unknown_name_lists_near_ones() -> None:
    with pytest.raises(NameChoiceError, match="did you mean hutton-boore"):
        law_named("huton-boore")
    assert "iceland" in law_names()


def test_law_of_iceland_on_the_amplitudes_of_the_reference(realdata: Path) -> None:
    """Magnitudes of QuakeMigrate's reference catalog from its own amplitudes.

    Both have three to five significant digits: a magnitude of 1.11 is 1.105 to 1.115.
    """
    rows = _reference(realdata / "holuhraun" / "reference_amplitudes.csv")
    amplitude, epicentral, depth, expected = rows.T
    found = law_named("iceland").magnitude(amplitude, np.hypot(epicentral, depth))
    assert len(rows) > 100
    difference = found - expected
    assert np.abs(difference).max() < 0.005 + 1e-4
    assert abs(difference.mean()) < 5e-4


def _reference(path: Path) -> np.ndarray:
    with path.open() as file:
        rows = [
            [float(row[name] or "nan") for name in ("S_amp", "epi_dist", "z_dist", "ML")]
            for row in csv.DictReader(file)
        ]
    table = np.array(rows)
    return table[np.isfinite(table).all(axis=1) & (table[:, 0] > 0)]
