"""Station corrections: recovered from simulated networks, drawn to 0, and kept in a file."""

from dataclasses import replace

import numpy as np
import pytest

from epicat.errors import InputError
from epicat.magnitude.corrections import PRIOR, Corrections, estimate_corrections
from epicat.magnitude.network import NetworkModel, network_magnitudes
from support.simulated_magnitudes import simulate

NAMES = tuple(f"XX.S{i:02d}." for i in range(15))


@pytest.mark.parametrize("seed", [1, 2])
def test_effects_of_stations_are_recovered(seed) -> None:
    simulated = simulate(seed, station_effect=0.25)
    found = estimate_corrections(simulated.observations, simulated.station, NAMES, "hutton-boore")
    expected = -(simulated.sizes - simulated.sizes.mean())
    own = np.array(found.values)
    assert np.abs(own - own.mean() - expected).max() < 0.08
    assert max(found.errors) < 0.05
    assert found.counts == (400,) * 15


def test_corrections_make_magnitudes_better() -> None:
    simulated = simulate(3, station_effect=0.25, scatter=0.1)
    rows = simulated.observations
    values = np.array(estimate_corrections(rows, simulated.station, NAMES, "x").values)
    corrected = replace(rows, value=rows.value + values[simulated.station])
    errors = [network_magnitudes(r, NetworkModel()).value - simulated.truth
              for r in (rows, corrected)]  # fmt: skip
    before, after = (np.std(error) for error in errors)
    assert after < 0.85 * before


def test_a_station_without_values_has_none() -> None:
    simulated = simulate(4, n_events=50)
    rows = simulated.observations
    silent = simulated.station == 0
    rows = replace(rows, is_bound=rows.is_bound | silent, value=np.where(silent, 9.0, rows.value))
    found = estimate_corrections(rows, simulated.station, NAMES, "x")
    assert found.values[0] == 0.0
    assert found.errors[0] == pytest.approx(PRIOR)


def test_the_file_gives_back_what_was_written(tmp_path) -> None:
    written = Corrections(("A.B.", "A.C.00"), (0.1, -0.1), (0.02, 0.03), (10, 12), "iaspei")
    written.write(tmp_path / "corrections.json")
    assert Corrections.read(tmp_path / "corrections.json") == written
    assert replace(written, values=(0.1, -0.2)).digest != written.digest
    assert replace(written, law="italy").digest != written.digest


def test_another_file_is_refused(tmp_path) -> None:
    (tmp_path / "a.json").write_text('{"format": 2}')
    with pytest.raises(InputError, match="epicat magnitudes corrections"):
        Corrections.read(tmp_path / "a.json")
    with pytest.raises(InputError, match="cannot be read"):
        Corrections.read(tmp_path / "absent.json")
