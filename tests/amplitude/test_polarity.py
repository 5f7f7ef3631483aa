"""First motions of strong onsets, and of synthetic earthquakes."""

import numpy as np
import pytest
from scipy import signal

from epicat.amplitude.polarity import first_motions
from epicat.synthetic.ground_motion import Shaking, velocity_spectrum
from epicat.synthetic.instruments import band_of
from epicat.synthetic.propagation import Crust, trace_rays
from epicat.synthetic.sampling import Frame
from epicat.synthetic.scattering import PathEffects
from epicat.synthetic.site import Site
from epicat.synthetic.source import Source, radiation
from support.seismometers import trace_of

FINE, RATE = 5000, 100


def decimated(onset_s, size):
    """A velocity step that decays, through the zero-phase filter of a digitizer."""
    after = np.arange(FINE * 12) / FINE - onset_s
    ground = np.where(after >= 0, size * np.exp(-after / 0.04) * np.cos(2 * np.pi * 8 * after), 0.0)
    taps = signal.firwin(64 * FINE // RATE + 1, 0.43 * RATE, fs=FINE)
    return np.convolve(ground, taps, "same")[:: FINE // RATE]


@pytest.mark.parametrize("size", [1e5, 1e6, -1e5, -1e6])
def test_ringing_of_the_digitizers_filter_is_not_the_first_motion(size):
    """The ringing exceeds the noise, of 5 counts, by far."""
    rng = np.random.default_rng(3)
    for onset in 8 + rng.uniform(0, 0.1, 30):
        samples = decimated(onset, size) + rng.normal(0, 5, 12 * RATE)
        at = int(onset * RATE)
        before = np.abs(samples[at - 6 : at - 1])
        assert before.max() > 40
        polarity, ratio = first_motions(trace_of(np.rint(samples).astype(np.int32)), np.array([at]))
        assert polarity[0] == np.sign(size)
        assert ratio[0] > 1000


def earthquake(rng):
    """Counts of a vertical with noise, the P arrival's sample, the radiation of P."""
    distance, depth = float(np.exp(rng.uniform(np.log(5), np.log(100)))), float(rng.uniform(3, 15))
    path = trace_rays(Crust(), distance, float(rng.uniform(0, 360)), depth)
    source = Source.random(rng, float(rng.uniform(1, 4)))
    shaking = Shaking(source, path, Site.random(rng), PathEffects.random(rng, path))
    frame = Frame(float(np.floor(path.p.time_s)) - 8.0, 24, RATE)
    instrument, _ = band_of("HH")
    spectrum = velocity_spectrum(Crust(), shaking, frame) * instrument.response(
        frame.frequency, RATE
    )
    samples = frame.samples_of(spectrum)[0] + rng.normal(0, 20, frame.samples)
    p = radiation(source.mechanism, path.p.takeoff, path.azimuth_deg)[0]
    return samples, round((path.p.time_s - frame.start_s) * RATE), p


def test_first_motions_of_synthetic_earthquakes_are_those_of_the_source():
    """Near the nodal planes the scattered waves are stronger than the direct one."""
    rng = np.random.default_rng(11)
    right = {True: [], False: []}
    for _ in range(1000):
        samples, at, p = earthquake(rng)
        late = int(rng.integers(-2, 5))
        trace = trace_of(np.rint(samples).astype(np.int32))
        polarity, _ = first_motions(trace, np.array([at + late]))
        if polarity[0]:
            right[abs(p) >= 0.2].append(polarity[0] == np.sign(p))
    assert len(right[True]) > 400
    assert np.mean(right[True]) >= 0.97
    assert np.mean(right[False]) > 0.7
