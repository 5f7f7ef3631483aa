"""Station terms of a simulated network: places of neighbours, uncertainty, independence."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from benchmarks.location_terms import Figures
from benchmarks.simulated_picks import LAYERS, Errors, simulate

from epicat.locate.arrivals import Arrivals
from epicat.locate.estimate_terms import Calibration, calibrate
from epicat.locate.locator import Locator
from epicat.locate.solution import Located
from epicat.locate.terms import StationTerms
from epicat.locate.terms_file import TermsFile

ERRORS = Errors(static_s=0.1, path_s=0.06, velocity=0.015)


class Network:
    """Events of a network with their terms."""

    def __init__(self) -> None:
        self.case = simulate(51, events=250, sensors=24, errors=ERRORS)
        locator = Locator(LAYERS, self.case.network, self.case.box)
        self.plain = locator.locate(self.case.arrivals)
        self.terms: Calibration = calibrate(locator, self.case.arrivals)
        phase = self.case.arrivals.phase
        self.arrivals = self.case.arrivals.with_sigma(
            self.terms.after.of(phase, np.zeros_like(phase))
        )
        self.locator = locator.with_settings(
            locator.settings.calibrated(self.terms.after.wrong_share)
        )

    def locate(self, events: np.ndarray) -> Located:
        a, keep = self.arrivals, np.isin(self.arrivals.event, events)
        number = np.searchsorted(events, a.event[keep])
        part = Arrivals.from_columns(
            number, a.sensor[keep], a.phase[keep], a.time_s[keep], a.sigma_s[keep]
        )
        terms = StationTerms(self.terms.static, self.terms.source, events)
        return self.locator.locate(part, terms=terms)


@pytest.fixture(scope="module")
def network() -> Network:
    return Network()


@pytest.fixture(scope="module")
def located(network) -> Located:
    return network.locate(np.arange(len(network.case.arrivals)))


def test_neighbours_are_better_with_terms_and_regions_stay_honest(network, located):
    before, after = (Figures.from_location(network.case, found)
                     for found in (network.plain, located))  # fmt: skip
    assert after.neighbours_km[0] < 0.65 * before.neighbours_km[0]
    assert after.neighbours_km[1] < 0.65 * before.neighbours_km[1]
    assert after.absolute_km[0] < before.absolute_km[0]
    assert all(50 <= inside <= 97 for inside in after.inside)


def test_the_scales_of_the_model_are_found(network):
    """Velocities are 1.5 % too small in the model, so that times are shorter."""
    static = network.terms.static
    error = np.sqrt(np.diagonal(static.covariance)[-2:])
    assert (static.scale < 0).all()
    assert (abs(static.scale - (1 / 1.015 - 1)) < 3 * error).all()
    assert (error < 0.01).all()


def test_picks_and_paths_are_told_apart(network):
    p, s = network.terms.after.phase_s
    assert 0.02 < p < 0.045
    assert 0.04 < s < 0.085
    for field, true in zip(network.terms.source.fields, (0.06, 0.06 * 1.74), strict=True):
        assert 0.4 < np.sqrt(field.variance_s2) / true < 1.6
        assert 2.8 <= field.length_km <= 16


def test_a_location_with_terms_does_not_depend_on_the_other_events(network, located):
    chosen = np.array([3, 40, 41, 130, 222])
    alone = network.locate(chosen)
    for field in fields(Located):
        values = getattr(located, field.name)
        if len(values) == len(network.case.arrivals):
            assert np.array_equal(getattr(alone, field.name), values[chosen]), field.name


def test_the_event_itself_is_left_out_of_its_terms(network):
    source = network.terms.source
    rows = source.rows[int(source.key[0])]
    event = source.event[rows[:1]]
    place = source.place_km[event]
    own, _ = source.at(int(source.key[0]), place, event)
    changed = source.value_s.copy()
    changed[rows[0]] += 10.0
    source = type(source)(source.place_km, source.event, source.key, changed, source.noise_s2,
                          source.fields)  # fmt: skip
    again, _ = source.at(int(source.key[0]), place, event)
    other, _ = source.at(int(source.key[0]), place, np.array([-1]))
    assert again == own != other


def test_terms_of_a_file_are_those_that_were_written(network, tmp_path):
    sites = tuple(f"S{i:02}" for i in range(24))
    ids = tuple(map(str, range(len(network.case.arrivals))))
    written = TermsFile.from_calibration(network.terms, sites, ids, (40.0, -120.0))
    written.write(tmp_path / "terms.npz")
    read = TermsFile.read(tmp_path / "terms.npz")
    assert read.digest == written.digest
    # Sites in another order, one more and one fewer.
    order = ["new", *sites[:0:-1]]
    terms = read.terms(tuple(order), (40.0, -120.0)).for_events(list(ids))
    static, ours = terms.static, network.terms.static
    at = 2 * order.index("S07")
    assert static.value_s[at : at + 2].tolist() == ours.value_s[14:16].tolist()
    assert static.covariance[at, -2:].tolist() == ours.covariance[14, -2:].tolist()
    assert static.covariance[at, 2 * order.index("S03")] == ours.covariance[14, 6]
    assert static.value_s[:2].tolist() == [0, 0]
    squares = ours.value_s[::2] ** 2 + ours.error_s[::2] ** 2
    assert static.error_s[0] == pytest.approx(np.sqrt(np.mean(squares)))
    assert static.scale.tolist() == ours.scale.tolist()
    place = np.array([[1.0, 2.0, 8.0]])
    for key, same in ((at, 14), (at + 1, 15)):
        assert terms.source.at(key, place, np.array([-1])) == network.terms.source.at(
            same, place, np.array([-1])
        )


def test_slow_ground_under_all_sensors_makes_no_depth_error():
    """Without terms, S that is late by more than P everywhere moves depths."""
    case = simulate(53, events=100, sensors=16, errors=Errors(static_s=0.05))
    late = np.array([0.15, 0.3])[case.arrivals.phase]
    arrivals = replace(case.arrivals, time_s=case.arrivals.time_s + late)
    locator = Locator(LAYERS, case.network, case.box)
    plain = locator.locate(arrivals)
    found = calibrate(locator, arrivals)
    with_terms = locator.with_settings(locator.settings.calibrated(found.after.wrong_share)).locate(
        arrivals, terms=StationTerms(found.static, found.source, np.arange(len(arrivals)))
    )
    before, after = (np.median(located.place_km[:, 2] - case.place_km[:, 2])
                     for located in (plain, with_terms))  # fmt: skip
    assert abs(before) > 0.5
    assert abs(after) < 0.3
