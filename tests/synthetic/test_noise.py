from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import welch

from epicat.synthetic.instruments import BANDS, band_of
from epicat.synthetic.noise import (
    HOP_S,
    NHNM,
    NLNM,
    AmbientNoise,
    Stretches,
    counts_power,
    power_db,
    rms_counts,
)
from epicat.synthetic.sampling import stream
from epicat.time import DAY_NS, SECOND_NS, parse_time

NOON = parse_time("2024-03-01T14:00:00")


def stretches(band: str, ambient: AmbientNoise, component: str = "Z") -> Stretches:
    instrument, rate = band_of(band)
    return Stretches(
        rate,
        lambda time, f: counts_power(ambient.at(time, 0.0), component, instrument, rate, f),
        lambda number: stream(1, "noise", number),
    )


def test_the_models_are_petersons() -> None:
    spectral = pytest.importorskip("obspy.signal.spectral_estimation")
    for model, reference in ((NLNM, spectral.get_nlnm), (NHNM, spectral.get_nhnm)):
        periods, levels = reference()
        inside = periods < 5e4
        ours = power_db(model, (1 - 1e-9) / periods[inside])
        np.testing.assert_allclose(ours, levels[inside], atol=1e-3)


@pytest.mark.parametrize("seed", range(4))
def test_noise_lies_between_the_models_when_the_response_is_taken_out(seed: int) -> None:
    instrument, rate = band_of("HH")
    ambient = AmbientNoise.random(np.random.default_rng(seed))
    number = NOON // SECOND_NS // HOP_S
    noise = stretches("HH", ambient)
    counts = np.rint(np.concatenate([noise.hop(number + k) for k in range(6)]))
    frequency, power = welch(counts, rate, nperseg=16384)
    inside = (frequency > 0.02) & (frequency < 0.35 * rate)
    f, power = frequency[inside], power[inside]
    acceleration = power / np.abs(instrument.response(f, rate)) ** 2 * (2 * np.pi * f) ** 2
    db = 10 * np.log10(acceleration)
    # Welch's estimate of a sloping spectrum scatters by a decibel or two.
    assert np.mean(db > power_db(NLNM, f)) > 0.99
    assert np.mean(db < power_db(NHNM, f)) > 0.99


def test_days_are_louder_than_nights_above_1_hz_and_only_there() -> None:
    ambient = AmbientNoise.random(np.random.default_rng(1))
    day, night = ambient.at(NOON, 0.0), ambient.at(NOON + DAY_NS // 2, 0.0)
    fast, slow = np.array([5.0]), np.array([0.15])
    assert day.acceleration_db(fast, "Z") > night.acceleration_db(fast, "Z") + 1
    np.testing.assert_allclose(
        day.acceleration_db(slow, "Z"), night.acceleration_db(slow, "Z"), atol=0.5
    )
    assert ambient.at(NOON, 90.0) != day


def test_noise_has_no_seam_between_stretches() -> None:
    ambient = AmbientNoise.random(np.random.default_rng(2))
    noise = stretches("HH", ambient)
    data = np.concatenate([noise.hop(k).astype(float) for k in range(100, 104)])
    steps = np.abs(np.diff(data))
    seams = np.arange(1, 4) * HOP_S * 100 - 1
    assert steps[seams].max() < np.percentile(steps, 99.99)


def test_a_stretch_does_not_depend_on_where_one_began() -> None:
    ambient = AmbientNoise.random(np.random.default_rng(3))
    running, fresh = stretches("HH", ambient), stretches("HH", ambient)
    for number in range(50, 53):
        expected = running.hop(number)
    np.testing.assert_array_equal(fresh.hop(52), expected)


def test_two_bands_of_one_sensor_hear_the_same_ground() -> None:
    ambient = AmbientNoise.random(np.random.default_rng(4))
    fast = stretches("HH", ambient).hop(7).reshape(-1, 5).mean(axis=1)
    slow = stretches("BH", ambient).hop(7).reshape(-1, 2).mean(axis=1)
    assert np.corrcoef(fast, slow)[0, 1] > 0.99


@pytest.mark.parametrize("band", BANDS)
def test_sensitivity_is_the_response_at_the_reference(band: str) -> None:
    instrument, rate = band_of(band)
    at = np.array([instrument.reference_hz])
    motion = 1.0 if instrument.unit == "M/S" else 2 * np.pi * at[0]
    found = abs(instrument.response(at, rate)[0]) / motion
    assert found == pytest.approx(instrument.sensitivity, rel=1e-6)


def test_rms_is_that_of_the_samples() -> None:
    instrument, rate = band_of("HH")
    ambient = AmbientNoise.random(np.random.default_rng(6)).at(NOON, 0.0)
    data = stretches("HH", ambient).hop(3)
    spectrum = np.fft.rfft(data)
    f = np.fft.rfftfreq(len(data), 1 / rate)
    spectrum[(f < 1) | (f > 20)] = 0
    measured = np.std(np.fft.irfft(spectrum))
    assert measured == pytest.approx(rms_counts(ambient, "Z", instrument, rate, (1, 20)), rel=0.1)
