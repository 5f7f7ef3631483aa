"""Amplitudes held against ObsPy: `simulate` with poles and zeros, evalresp for responses."""

from __future__ import annotations

import warnings
from io import BytesIO

import numpy as np
import pytest

from epicat.amplitude.rows import WINDOWS_S, AmplitudeFlag
from epicat.amplitude.windows import measure_windows
from epicat.amplitude.wood_anderson import (
    GAIN,
    HIGHPASS_HZ,
    HIGHPASS_ORDER,
    POLE,
    wood_anderson_record,
)
from epicat.stations.stationxml import read_stationxml_responses
from epicat.synthetic.instruments import BANDS
from support.seismometers import ground_velocity, recorded, response_of, trace_of

obspy = pytest.importorskip("obspy")
inv = pytest.importorskip("obspy.core.inventory")

WOOD_ANDERSON = {
    "poles": [POLE, POLE.conjugate()], "zeros": [0j], "gain": 1.0, "sensitivity": GAIN,
}  # fmt: skip


def simulated_mm(counts, band):
    """Return ObsPy's record in mm, with the high-pass of the definition."""
    instrument, rate = BANDS[band]
    integrated = [0j] if instrument.unit == "M/S**2" else []
    removed = {
        "poles": list(instrument.poles), "zeros": [*instrument.zeros, *integrated],
        "gain": instrument.normalization, "sensitivity": instrument.sensitivity,
    }  # fmt: skip
    trace = obspy.Trace(counts - counts.mean(), {"sampling_rate": rate})
    trace.simulate(removed, WOOD_ANDERSON, remove_sensitivity=True, taper_fraction=0.02)
    trace.filter("highpass", freq=HIGHPASS_HZ, corners=HIGHPASS_ORDER)
    return 1e3 * trace.data


@pytest.mark.parametrize("band", list(BANDS))
@pytest.mark.parametrize("seed", range(3))
def test_amplitudes_are_those_of_obspy(band, seed):
    """Largest amplitudes in windows of 3, 10 and 30 s agree within 1 %."""
    _, rate = BANDS[band]
    counts = recorded(ground_velocity(400, rate, seed), band, offset=100_000)
    trace = trace_of(counts, rate)
    record = wood_anderson_record(trace, response_of(band))
    starts = (np.linspace(0.15, 0.9, 6) * len(counts)).astype(int)
    found = measure_windows(trace, record, starts)
    wanted = np.abs(simulated_mm(counts.astype(float), band))
    for window, seconds in enumerate(WINDOWS_S):
        peaks = [wanted[at : at + seconds * rate].max() for at in starts]
        assert np.all(found.flag[:, window] == AmplitudeFlag.OK)
        np.testing.assert_allclose(found.amplitude_mm[:, window], peaks, rtol=0.01)


def test_the_period_of_a_sine_is_found():
    """The peak of a wave of 2 Hz has a period of 0.5 s."""
    time = np.arange(6000) / 100
    counts = (1e6 * np.sin(2 * np.pi * 2 * time)).astype(np.int32)
    trace = trace_of(counts)
    found = measure_windows(
        trace, wood_anderson_record(trace, response_of("HH")), np.array([2000, 2411])
    )
    np.testing.assert_allclose(found.period_s, 0.5, rtol=0.01)


FIR = np.array([0.02, -0.05, 0.11, 0.42, 0.42, 0.11, -0.05, 0.02])
SKEW = np.array([0.5, 0.3, 0.15, 0.07, -0.02])


def inventory(unit="M/S", symmetry="NONE", half=FIR, sensitivity=6e8, **pole_zero):
    """Return ObsPy's inventory of a channel with a sensor, a digitiser and two filters."""
    scale = 1e-9 if unit == "NM/S" else 1.0
    given = {
        "pz_transfer_function_type": "LAPLACE (RADIANS/SECOND)", "normalization_frequency": 1.0,
        "zeros": [0j, 0j], "poles": [-0.037 + 0.037j, -0.037 - 0.037j, -251.33], **pole_zero,
    }  # fmt: skip
    s = 2j * np.pi if "RADIANS" in given["pz_transfer_function_type"] else 1j
    value = np.prod([s - z for z in given["zeros"]]) / np.prod([s - p for p in given["poles"]])
    factor = given.pop("normalization_factor", 1 / abs(value))

    def decimated(rate, factor, delay):
        return {
            "decimation_input_sample_rate": rate, "decimation_factor": factor,
            "decimation_offset": 0, "decimation_delay": delay, "decimation_correction": delay,
        }  # fmt: skip

    stages = [
        inv.response.PolesZerosResponseStage(
            1, 1500.0 * scale, 1.0, unit, "V", normalization_factor=factor, **given
        ),
        inv.response.CoefficientsTypeResponseStage(
            2, 4e5, 0.0, "V", "COUNTS", "DIGITAL", numerator=[1.0], denominator=[],
            **decimated(400.0, 1, 0.0),
        ),
        inv.response.FIRResponseStage(
            3, 1.0, 0.0, "COUNTS", "COUNTS", coefficients=list(half), symmetry=symmetry,
            **decimated(400.0, 2, 0.00875),
        ),
        inv.response.CoefficientsTypeResponseStage(
            4, 1.0, 0.0, "COUNTS", "COUNTS", "DIGITAL", numerator=list(SKEW), denominator=[],
            **decimated(200.0, 2, 0.005),
        ),
    ]  # fmt: skip
    whole = inv.response.InstrumentSensitivity(sensitivity, 1.0, unit, "COUNTS")
    channel = inv.Channel(
        "HHZ", "00", 39.0, -124.0, 0.0, 0.0, azimuth=0.0, dip=-90.0, sample_rate=100
    )
    channel.response = inv.Response(instrument_sensitivity=whole, response_stages=stages)
    station = inv.Station("KBG", 39.0, -124.0, 0.0, channels=[channel])
    return inv.Inventory([inv.Network("NC", [station])], source="test")


def written(found):
    body = BytesIO()
    found.write(body, "STATIONXML")
    return body.getvalue()


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"symmetry": "EVEN", "half": FIR[:4]},
        {"symmetry": "ODD", "half": FIR[:4] / 1.58},
        {"unit": "M/S**2", "zeros": [], "poles": [-981 + 1009j, -981 - 1009j]},
        {"unit": "NM/S", "sensitivity": 6e8},
        {"pz_transfer_function_type": "LAPLACE (HERTZ)", "poles": [-0.006, -0.006, -40.0]},
    ],
)
def test_responses_are_those_of_evalresp(changed):
    """Values of chains of stages agree with evalresp within 1 %, also where a filter falls."""
    made = inventory(**changed)
    channel = made[0][0][0]
    if changed.get("unit") == "M/S**2":
        channel.code = "HNZ"
    frequency = np.geomspace(0.3, 60, 12)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = channel.response.get_evalresp_response_for_frequencies(frequency, "DEF")
        # ObsPy computes the gains; the sensitivity follows.
        at = channel.response.get_evalresp_response_for_frequencies(np.array([1.0]), "DEF")
    scale = 1e-9 if changed.get("unit") == "NM/S" else 1.0
    channel.response.instrument_sensitivity.value = float(abs(at[0])) * scale
    (found,) = read_stationxml_responses(BytesIO(written(made)))
    assert found.problem == ""
    np.testing.assert_allclose(np.abs(found.response.values(frequency)), np.abs(wanted), rtol=0.01)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"sensitivity": 7e8}, "the stages give 5.998e+08"),
        ({"sensitivity": 0.0}, "sensitivity 0"),
        ({"unit": "PA"}, "input unit 'PA'"),
        ({"unit": "V"}, "input unit 'V'"),
        ({"unit": "M/S**2"}, "contradicts the channel code HHZ"),
        ({"poles": [0.037 + 0.037j, 0.037 - 0.037j, -251.33]}, "not stable"),
        ({"normalization_factor": 1.0}, "normalization factor give"),
    ],
)
def test_a_response_that_contradicts_itself_is_refused(changed, words):
    (found,) = read_stationxml_responses(BytesIO(written(inventory(**changed))))
    assert found.response is None
    assert words in found.problem
