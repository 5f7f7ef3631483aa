"""What the student is shown: arrivals stay where they are said to be, whatever is done to them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from epicat.synthetic.training_windows import make_window
from training.changes import filtered, rotated, shifted, stretched
from training.damage import damaged
from training.measure import Score, matched
from training.noise import coloured, surrogate
from training.real import RATE, read_windows
from training.records import SAMPLES, Arrival, Record, signal_to_noise
from training.synthetics import synthetic
from training.targets import target

ONSET = 3000


def one_pulse() -> Record:
    """Return a record that is empty but for a pulse at its one arrival."""
    data = np.zeros((3, SAMPLES))
    data[:, ONSET - 20 : ONSET + 21] = np.hanning(41)
    return Record(data, (Arrival("P", ONSET),), 1.0)


def peak(record: Record) -> int:
    return int(np.abs(record.data[0]).argmax())


@pytest.mark.parametrize("factor", [0.6, 0.97, 1.0, 1.313, 1.7])
def test_a_stretched_arrival_is_where_it_is_said_to_be(factor: float) -> None:
    changed = stretched(one_pulse(), factor)
    assert changed.data.shape == (3, round(factor * SAMPLES))
    assert peak(changed) == pytest.approx(changed.arrivals[0].sample, abs=1)


@pytest.mark.parametrize("start", [-2500, -1, 0, 700, 2500])
def test_a_shifted_arrival_is_where_it_is_said_to_be(start: int) -> None:
    changed = shifted(one_pulse(), start, SAMPLES)
    assert changed.data.shape == (3, SAMPLES)
    assert peak(changed) == changed.arrivals[0].sample == ONSET + start


def test_what_is_shifted_out_of_sight_is_empty() -> None:
    changed = shifted(one_pulse(), -2 * SAMPLES, SAMPLES)
    assert not changed.data.any()
    assert changed.arrivals[0].sample < 0


def test_turning_the_horizontals_keeps_their_energy() -> None:
    rng = np.random.default_rng(1)
    data = rng.standard_normal((3, 500))
    turned = rotated(rng, data)
    np.testing.assert_allclose(np.abs(turned[0]), np.abs(data[0]))
    np.testing.assert_allclose((turned[1:] ** 2).sum(), (data[1:] ** 2).sum())


def test_a_dead_horizontal_stays_dead() -> None:
    rng = np.random.default_rng(1)
    data = rng.standard_normal((3, 500))
    data[2] = 0
    assert [row.any() for row in rotated(rng, data)[1:]].count(False) == 1


@pytest.mark.parametrize("seed", range(20))
def test_damage_leaves_finite_samples_and_the_original(seed: int) -> None:
    rng = np.random.default_rng(seed)
    data = rng.standard_normal((3, SAMPLES))
    before = data.copy()
    found = filtered(rng, damaged(rng, data))
    assert found.shape == data.shape
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(data, before)


def test_a_surrogate_has_the_colour_of_its_model() -> None:
    rng = np.random.default_rng(1)
    model = coloured(rng, 4000, slope=-2.0)
    power = np.abs(np.fft.rfft(surrogate(rng, model, SAMPLES))) ** 2
    low, high = power[60:600].mean(), power[1500:].mean()
    assert low > 10 * high
    white = np.abs(np.fft.rfft(surrogate(rng, rng.standard_normal(4000), SAMPLES))) ** 2
    assert white[60:600].mean() < 3 * white[1500:].mean()


def test_the_signal_to_noise_ratio_looks_beneath_microseisms() -> None:
    rng = np.random.default_rng(1)
    swell = 50 * np.sin(2 * np.pi * 0.15 * np.arange(SAMPLES) / RATE)
    data = swell + rng.standard_normal((3, SAMPLES))
    assert signal_to_noise(data, ONSET) < 1.3
    data[:, ONSET:] += 10 * rng.standard_normal((3, SAMPLES - ONSET))
    assert signal_to_noise(data, ONSET) > 4
    assert signal_to_noise(data, SAMPLES + 10) == 0


class TestTarget:
    def test_a_known_onset_counts_as_far_as_it_is_trusted(self) -> None:
        rng = np.random.default_rng(1)
        data = one_pulse().data * 100 + rng.standard_normal((3, SAMPLES))
        teacher = np.zeros((2, SAMPLES), np.float32)
        teacher[1, ONSET] = 0.8  # the teacher takes it for S
        found = target(Record(data, (Arrival("P", ONSET),), 0.75), teacher)
        assert found[0].argmax() == ONSET
        assert found[0].max() == pytest.approx(0.75)
        assert found[1].max() == pytest.approx(0.2)

    def test_one_that_nobody_can_see_is_the_teachers_to_judge(self) -> None:
        data = np.random.default_rng(1).standard_normal((3, SAMPLES))
        found = target(
            Record(data, (Arrival("P", ONSET),), 0.75), np.zeros((2, SAMPLES), np.float32)
        )
        assert found.max() < 0.15

    def test_probabilities_never_exceed_one(self) -> None:
        teacher = np.full((2, SAMPLES), 0.7, np.float32)
        found = target(one_pulse(), teacher)
        assert found.sum(axis=0).max() <= 1 + 1e-6


def test_synthetic_arrivals_keep_their_place_in_every_band() -> None:
    """Bands of 40 and 200 Hz come to 100 Hz; P and S stay as far apart as they were."""
    for seed in range(12):
        record = synthetic(np.random.default_rng(seed))
        assert record.data.shape == (3, SAMPLES)
        inside = [a for a in record.arrivals if 0 <= a.sample < SAMPLES]
        assert inside
    window = make_window(np.random.default_rng(1))
    assert window.data.shape[0] == 3


def test_scores_pair_one_to_one() -> None:
    score = matched([1.0, 1.1, 5.0], [1.05, 9.0], 0.5) + Score(wanted=2, picked=1)
    assert (score.wanted, score.picked, len(score.residuals)) == (4, 4, 1)
    assert (score.recall, score.precision) == (0.25, 0.25)
    assert matched([], [], 0.5) == Score()


def test_no_station_is_in_two_parts(realdata: Path) -> None:
    parts: dict[str, set[str]] = {}
    for window in read_windows(realdata):
        parts.setdefault("_".join(window.name.split("_")[:2]), set()).add(window.part)
    assert all(len(found) == 1 for found in parts.values())
    assert {part for found in parts.values() for part in found} == {"train", "choose", "test"}
