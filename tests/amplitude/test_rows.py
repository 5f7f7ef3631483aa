"""Packed amplitudes: what is written is read again, within the resolution that is promised."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from epicat.amplitude.envelope import decode_envelope, encode_envelope
from epicat.amplitude.rows import (
    AmplitudeFlag,
    Envelope,
    InstrumentAmplitudes,
    read_amplitudes,
    read_envelopes,
    to_rows,
)
from epicat.time import parse_time

DAY_NS = parse_time("2024-03-01")


def measured(count: int, seed: int) -> tuple[InstrumentAmplitudes, Envelope]:
    """Return random measurements at some picks."""
    rng = np.random.default_rng(seed)
    flag = rng.choice(4, (count, 3, 3), p=[0.8, 0.1, 0.05, 0.05]).astype(np.uint8)
    size = 10 ** rng.uniform(-6, 5, (count, 3, 3))
    size[flag > 0] = np.nan
    noise = 10 ** rng.uniform(-6, 3, (count, 3))
    noise[rng.random((count, 3)) < 0.1] = np.nan
    return (
        InstrumentAmplitudes(
            "XX.S01.", "HH", "Z1-", DAY_NS,
            DAY_NS + np.sort(rng.integers(0, 86_400_000, count)) * 1_000_000,
            tuple(rng.choice(["P", "S"], count).tolist()),
            size, np.where(flag > 0, np.nan, 10 ** rng.uniform(-1.9, 1.5, (count, 3, 3))),
            noise, flag, rng.integers(-1, 2, count).astype(np.int8), rng.uniform(0, 1e4, count),
        ),
        Envelope("XX.S01.", "HH", DAY_NS, 10, *rng.integers(0, 256, (2, 8640), np.uint8)),
    )  # fmt: skip


@given(st.integers(0, 40), st.integers(0, 2**32 - 1))
def test_rows_are_read_as_they_were_written(count: int, seed: int) -> None:
    """Amplitudes are right within 0.55 %, all else within the resolution of the scale."""
    found, envelope = measured(count, seed)
    amplitudes, envelopes = to_rows([(found, envelope)], "design", "XX.S01/2024.061")
    ((key, again),) = read_amplitudes(amplitudes)
    assert key == "XX.S01/2024.061"
    assert (again.trace_id, again.band, again.codes) == ("XX.S01.", "HH", "Z1-")
    assert_array_equal(again.time_ns, found.time_ns)
    assert again.phases == found.phases
    assert_array_equal(again.flag, found.flag)
    assert_allclose(again.amplitude_mm, found.amplitude_mm, rtol=0.0055)
    assert_allclose(again.period_s, found.period_s, rtol=0.0906)
    assert_allclose(again.noise_mm, found.noise_mm, rtol=0.0906)
    assert_array_equal(again.polarity, found.polarity)
    assert_allclose(again.polarity_snr, found.polarity_snr, rtol=0.05, atol=0.05)
    ((_, bounds),) = read_envelopes(envelopes)
    assert_array_equal(bounds.vertical, envelope.vertical)
    assert_array_equal(bounds.horizontal, envelope.horizontal)
    assert envelopes["amplitude_id"].equals(amplitudes["amplitude_id"])


def test_the_id_depends_on_the_content() -> None:
    """Another amplitude or envelope gives another id, the same ones the same."""
    one, other = measured(5, 1), measured(5, 2)
    made = [(one[0], one[1]), (one[0], other[1]), (other[0], one[1]), (one[0], one[1])]
    ids = [to_rows([pair], "d", "k")[0]["amplitude_id"][0].as_py() for pair in made]
    assert ids[0] == ids[3]
    assert len(set(ids)) == 3


@given(st.lists(st.floats(1e-9, 1e6), min_size=1))
def test_a_byte_of_the_envelope_is_an_upper_bound(sizes: list[float]) -> None:
    """Bounds are at least as large as the amplitude, and at most a step larger."""
    values = np.array(sizes)
    bounds = decode_envelope(encode_envelope(values, np.zeros(len(values), bool)))
    assert np.all(bounds >= values * (1 - 1e-9))
    inside = np.isfinite(bounds) & (values >= 1e-6)
    assert np.all(bounds[inside] <= values[inside] * 10**0.04 * (1 + 1e-9))


@pytest.mark.parametrize("byte", range(256))
def test_each_byte_is_decoded_to_itself(byte: int) -> None:
    """Encoding a bound gives its byte."""
    bound = decode_envelope(np.array([byte], np.uint8))
    assert encode_envelope(bound, np.isinf(bound))[0] == byte


def test_flags_have_names() -> None:
    """What the table says is what the documentation says."""
    assert [flag.name for flag in AmplitudeFlag] == ["OK", "GAP", "CLIPPED", "NO_RESPONSE"]
