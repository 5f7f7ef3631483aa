"""What a station says of an event: which window, which noise, and when it says nothing."""

from __future__ import annotations

import numpy as np
import pytest

from epicat.amplitude.envelope import encode_envelope
from epicat.amplitude.rows import AmplitudeFlag, Envelope, InstrumentAmplitudes
from epicat.magnitude.laws import law_named
from epicat.magnitude.lookup import Amplitudes, PickRow
from epicat.magnitude.readings import EventReadings, ReadingFlag, Source
from epicat.time import DAY_NS, SECOND_NS

NOON = 12 * 3600 * SECOND_NS
SOURCE = Source("event", NOON, 40.0, -124.0, 8.0)
PLACES = {"XX.NEAR.": (40.1, -124.0, 0.0), "XX.FAR.": (40.9, -124.0, 0.0)}
P, S = (PickRow("XX.NEAR.", phase, NOON + after * SECOND_NS, phase) for phase, after in
        (("P", 3), ("S", 5)))  # fmt: skip


def measured(*picks: PickRow, sizes=(0.1, 0.2, 0.4), noise=0.01, flag=AmplitudeFlag.OK):
    n = len(picks)
    amplitude = np.empty((n, 3, 3))
    amplitude[:] = np.array(sizes)[:, None]
    return InstrumentAmplitudes(
        picks[0].trace_id, "HH", "ZNE", 0, np.array([p.time_ns for p in picks]),
        tuple(p.phase for p in picks), amplitude, np.full((n, 3, 3), 0.3),
        np.full((n, 3), noise), np.full((n, 3, 3), flag, np.uint8), np.zeros(n, np.int8),
        np.zeros(n),
    )  # fmt: skip


def envelope(trace: str, quiet: float, loud: float) -> Envelope:
    steps = np.full(DAY_NS // SECOND_NS // 10, quiet)
    steps[4320:4330] = loud
    values = encode_envelope(steps, np.zeros(len(steps), bool))
    return Envelope(trace, "HH", 0, 10, values, values)


def read(picks, amplitudes, envelopes=(), law="hutton-boore"):
    reader = EventReadings(law_named(law), 2.0, lambda trace, _: PLACES.get(trace))
    return reader.read(SOURCE, picks, Amplitudes(amplitudes, envelopes))


def test_a_near_station_is_read_in_the_shortest_window() -> None:
    (one,) = read([P, S], [measured(P, S)])
    assert (one.flag, one.pick_id, one.is_bound) == (ReadingFlag.AMPLITUDE, "S", False)
    assert one.amplitude_mm == pytest.approx(0.1)
    assert one.distance_km == pytest.approx(np.hypot(11.1, 8.0), abs=0.1)
    # The powers of signal and noise add.
    amplitude = np.sqrt(0.1**2 - 0.008**2)
    expected = law_named("hutton-boore").magnitude(amplitude, one.distance_km)
    assert one.magnitude == pytest.approx(float(expected))


def test_below_the_noise_an_amplitude_is_a_bound() -> None:
    (one,) = read([P, S], [measured(P, S, noise=0.06)])
    assert (one.flag, one.is_bound) == (ReadingFlag.BELOW_NOISE, True)
    # What is just twice the noise, without the noise in it.
    limit = np.sqrt(0.12**2 - 0.048**2)
    expected = law_named("hutton-boore").magnitude(limit, one.distance_km)
    assert one.magnitude == pytest.approx(float(expected))


def test_the_coda_of_an_earlier_event_is_no_noise_once_it_has_decayed() -> None:
    """S comes 6 s after P: what precedes it, or what follows P, is less than the coda."""
    late = S._replace(time_ns=P.time_ns + 6 * SECOND_NS)
    coda = measured(P, late, sizes=(0.5, 0.5, 0.5), noise=0.4)
    coda.amplitude_mm[0] = 0.45  # after P
    assert read([P, late], [coda])[0].flag == ReadingFlag.BELOW_NOISE
    coda.noise_mm[1] = 0.2  # before S
    (one,) = read([P, late], [coda])
    assert (one.flag, one.noise_mm) == (ReadingFlag.AMPLITUDE, pytest.approx(0.2))
    coda.amplitude_mm[0, 0] = 0.1
    (one,) = read([P, late], [coda])
    assert one.noise_mm == pytest.approx(0.1)


def test_what_follows_p_is_no_noise_where_s_is_in_the_same_window() -> None:
    both = measured(P, S, noise=0.06)
    both.amplitude_mm[0] = 0.02
    assert read([P, S], [both])[0].noise_mm == pytest.approx(0.06)


def test_without_s_the_window_after_p_has_to_reach_s() -> None:
    (one,) = read([P], [measured(P)])
    assert (one.pick_id, one.amplitude_mm) == ("P", pytest.approx(0.2))


def test_the_noise_is_that_before_p() -> None:
    before_s = measured(S, noise=0.09)
    (alone,) = read([S], [before_s])
    (both,) = read([P, S], [measured(P, S, noise=0.01)])
    assert (alone.flag, alone.is_bound) == (ReadingFlag.BELOW_NOISE, True)
    assert both.flag == ReadingFlag.AMPLITUDE
    (quiet,) = read([S], [before_s], [envelope("XX.NEAR.", 0.005, 0.1)])
    assert quiet.flag == ReadingFlag.AMPLITUDE
    assert quiet.noise_mm == pytest.approx(0.005, rel=0.1)


def test_a_following_event_shortens_the_window_or_takes_the_reading() -> None:
    near = PickRow("XX.NEAR.", "P", S.time_ns + 2 * SECOND_NS, "other")
    (one,) = read([P, S], [measured(P, S, near)])
    assert one.flag == ReadingFlag.OVERLAP
    assert np.isnan(one.magnitude)
    later = PickRow("XX.NEAR.", "P", S.time_ns + 5 * SECOND_NS, "other")
    assert read([P, S], [measured(P, S, later)])[0].flag == ReadingFlag.AMPLITUDE
    # An S pick that the association left out may be of the same event.
    assert read([P], [measured(P, S)])[0].flag == ReadingFlag.AMPLITUDE


@pytest.mark.parametrize(
    ("flag", "expected"),
    [
        (AmplitudeFlag.GAP, ReadingFlag.GAP),
        (AmplitudeFlag.CLIPPED, ReadingFlag.CLIPPED),
        (AmplitudeFlag.NO_RESPONSE, ReadingFlag.NO_RESPONSE),
    ],
)
def test_what_was_not_measured_has_no_number(flag, expected) -> None:
    (one,) = read([P, S], [measured(P, S, flag=flag)])
    assert one.flag == expected
    assert np.isnan(one.magnitude)
    assert not one.counts


def test_outside_the_range_of_the_law_a_value_does_not_count() -> None:
    (one,) = read([P, S], [measured(P, S)], law="eastern-north-america")
    assert one.flag == ReadingFlag.OUTSIDE_RANGE
    assert np.isfinite(one.magnitude)
    assert not one.counts


def test_a_station_without_a_pick_bounds_the_magnitude() -> None:
    quiet = read([P, S], [measured(P, S)], [envelope("XX.FAR.", 0.001, 0.001)])
    (bound,) = (one for one in quiet if one.trace_id == "XX.FAR.")
    assert (bound.flag, bound.is_bound) == (ReadingFlag.BELOW_NOISE, True)
    expected = law_named("hutton-boore").magnitude(0.002, bound.distance_km)
    assert bound.magnitude == pytest.approx(float(expected), abs=0.05)
    loud = read([P, S], [measured(P, S)], [envelope("XX.FAR.", 0.0005, 0.002)])
    assert [one.flag for one in loud if one.trace_id == "XX.FAR."] == [ReadingFlag.NO_PICK]


def test_a_gap_in_the_envelope_bounds_nothing() -> None:
    gap = envelope("XX.FAR.", 0.001, np.nan)
    assert len(read([P, S], [measured(P, S)], [gap])) == 1


def test_a_station_without_a_position_is_left_out() -> None:
    other = PickRow("YY.GONE.", "S", S.time_ns, "x")
    assert [one.trace_id for one in read([P, S, other], [measured(P, S)])] == ["XX.NEAR."]
