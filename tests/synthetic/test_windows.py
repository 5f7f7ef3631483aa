from __future__ import annotations

import numpy as np

from epicat.synthetic import Recipe, make_window, noise_window
from epicat.synthetic.amplitude import SNR_BAND_HZ
from epicat.synthetic.instruments import band_of


def test_windows_are_what_their_recipe_says() -> None:
    rng = np.random.default_rng(0)
    recipe = Recipe(seconds=40, band="BH", distance_km=(5, 30), disturbed=0, second=0)
    for _ in range(10):
        window = make_window(rng, recipe)
        assert window.data.shape == (3, 1600)
        assert window.data.dtype == np.float32
        assert window.rate == 40
        p, s = window.arrivals
        assert (p.phase, s.phase) == ("P", "S")
        assert p.sample < s.sample
        assert 5 <= p.distance_km <= 30
        assert 0 <= p.sample < 1600 or 0 <= s.sample < 1600
        assert p.up in (-1, 1)


def test_windows_vary_as_training_wants_them_to() -> None:
    rng = np.random.default_rng(1)
    windows = [make_window(rng) for _ in range(80)]
    first = [w.arrivals[0] for w in windows]
    snr = np.array([a.snr for a in first])
    assert np.percentile(snr, 10) < 3
    assert np.percentile(snr, 90) > 50
    assert max(a.distance_km for a in first) > 80
    assert min(a.distance_km for a in first) < 3
    assert 0.3 < np.mean([a.up > 0 for a in first]) < 0.7
    assert any(len(w.arrivals) == 4 for w in windows)


def test_the_same_stream_gives_the_same_window() -> None:
    one, other = (make_window(np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(one.data, other.data)
    assert one.arrivals == other.arrivals


def test_snr_is_seen_in_the_samples() -> None:
    """Power after a clear P over the power before it, in the band of the definition."""
    rng = np.random.default_rng(2)
    recipe = Recipe(seconds=40, snr=(20, 50), disturbed=0, second=0, distance_km=(30, 80))
    logs = []
    while len(logs) < 15:
        window = make_window(rng, recipe)
        p = window.arrivals[0]
        if not 1000 < p.sample < 3700:
            continue
        spectrum = np.fft.rfft(window.data[0])
        f = np.fft.rfftfreq(4000, 0.01)
        spectrum[(f < SNR_BAND_HZ[0]) | (f > SNR_BAND_HZ[1])] = 0
        vertical = np.fft.irfft(spectrum)
        at = int(p.sample)
        measured = np.std(vertical[at : at + 200]) / np.std(vertical[at - 700 : at - 100])
        logs.append(np.log(measured / p.snr))
    assert abs(np.median(logs)) < 0.2


def test_windows_without_earthquakes_are_noise() -> None:
    window = noise_window(np.random.default_rng(3), Recipe(disturbed=0))
    assert window.arrivals == ()
    assert window.sample("P") is None
    assert 0 < np.abs(window.data).max() < band_of("HH")[0].clip
