"""The formulas against what is known without them."""

from __future__ import annotations

import numpy as np
import pytest

from epicat.synthetic.amplitude import local_magnitude, wood_anderson_mm
from epicat.synthetic.ground_motion import (
    Shaking,
    body_wave_spectrum,
    minimum_phase,
    velocity_spectrum,
)
from epicat.synthetic.propagation import GIL7, Crust, density, trace_rays
from epicat.synthetic.sampling import Frame
from epicat.synthetic.scattering import PathEffects
from epicat.synthetic.site import Site, free_surface_p, free_surface_sh, free_surface_sv
from epicat.synthetic.source import (
    MEAN_RADIATION,
    Mechanism,
    Source,
    corner_hz,
    moment_nm,
    radiation,
)
from epicat.velocity.layers import Phase


def shaken(
    rng: np.random.Generator, distance_km: float, magnitude: float, seconds: int = 120
) -> tuple[Shaking, Frame]:
    path = trace_rays(Crust(), distance_km, float(rng.uniform(0, 360)), 8.0)
    shaking = Shaking(
        Source.random(rng, magnitude), path, Site.random(rng), PathEffects.random(rng, path)
    )
    return shaking, Frame(float(np.floor(path.p.time_s)) - 5.0, seconds, 100)


@pytest.mark.parametrize("distance_km", [10, 30, 70, 100, 200])
def test_a_magnitude_of_three_moves_a_wood_anderson_as_hutton_and_boore_say(
    distance_km: float,
) -> None:
    rng = np.random.default_rng(distance_km)
    sizes = []
    for _ in range(25):
        shaking, frame = shaken(rng, distance_km, 3.0)
        swing = wood_anderson_mm(velocity_spectrum(Crust(), shaking, frame), frame)
        sizes.append(local_magnitude(swing, shaking.path.hypocentral_km))
    assert np.median(sizes) == pytest.approx(3.0, abs=0.5)


def test_small_earthquakes_have_local_magnitudes_below_their_moment_magnitudes() -> None:
    """ML grows by 1.5 for each unit of Mw below the corner (Deichmann 2017, BSSA 107, 505)."""
    rng = np.random.default_rng(5)
    medians = []
    for magnitude in (0.5, 1.5):
        sizes = []
        for _ in range(25):
            shaking, frame = shaken(rng, 30.0, magnitude, 48)
            swing = wood_anderson_mm(velocity_spectrum(Crust(), shaking, frame), frame)
            sizes.append(local_magnitude(swing, shaking.path.hypocentral_km))
        medians.append(np.median(sizes))
    assert medians[1] - medians[0] == pytest.approx(1.5, abs=0.2)


def test_moment_and_corner() -> None:
    assert moment_nm(6.0) == pytest.approx(1.26e18, rel=0.01)
    # 4.9e6 beta (stress drop / moment)^(1/3) in km/s, bar and dyne cm.
    classic = 4.9e6 * 3.5 * (30.0 / (moment_nm(4.0) * 1e7)) ** (1 / 3)
    assert corner_hz(4.0, 3e6, 3.5) == pytest.approx(classic, rel=0.01)
    assert corner_hz(3.0, 3e6, 3.5) == pytest.approx(10**0.5 * classic, rel=0.01)


def test_radiation_over_the_sphere_is_that_of_a_double_couple() -> None:
    rng = np.random.default_rng(0)
    mechanism = Mechanism(30.0, 50.0, 70.0)
    drawn = np.array([
        radiation(mechanism, float(np.arccos(rng.uniform(-1, 1))), float(rng.uniform(0, 360)))
        for _ in range(5000)
    ])  # fmt: skip
    assert np.sqrt(np.mean(drawn[:, 0] ** 2)) == pytest.approx(MEAN_RADIATION["P"], rel=0.03)
    s = np.sqrt(np.mean(np.sum(drawn[:, 1:] ** 2, axis=1)))
    assert s == pytest.approx(MEAN_RADIATION["S"], rel=0.03)


@pytest.mark.parametrize(
    ("azimuth_deg", "takeoff_deg", "expected"),
    [(45, 90, 1.0), (135, 90, -1.0), (0, 90, 0.0), (45, 0, 0.0)],
)
def test_p_of_a_vertical_strike_slip_fault_has_four_lobes(
    azimuth_deg: float, takeoff_deg: float, expected: float
) -> None:
    p, _, _ = radiation(Mechanism(0.0, 90.0, 0.0), np.radians(takeoff_deg), azimuth_deg)
    assert p == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("slowness", [0.0, 0.1, 0.19, 0.25, 0.33])
@pytest.mark.parametrize("kind", ["P", "SV"])
def test_the_surface_is_free_of_traction(slowness: float, kind: str) -> None:
    """Solve for the reflected waves numerically, z down, and compare the sum at the surface."""
    vp, vs, p = 5.0, 2.9, slowness
    xi = complex(np.emath.sqrt(1 / vp**2 - p**2)).conjugate()
    eta = complex(np.emath.sqrt(1 / vs**2 - p**2)).conjugate()
    mu, lame = vs**2, vp**2 - 2 * vs**2

    def traction(z: complex, u: tuple[complex, complex]) -> list[complex]:
        return [mu * (p * u[1] + z * u[0]), lame * (p * u[0] + z * u[1]) + 2 * mu * z * u[1]]

    coming = (-xi, (vp * p, -vp * xi)) if kind == "P" else (-eta, (vs * eta, vs * p))
    down_p, down_s = (xi, (vp * p, vp * xi)), (eta, (vs * eta, -vs * p))
    both = np.array([traction(*down_p), traction(*down_s)]).T
    r = np.linalg.solve(both, -np.array(traction(*coming)))
    total = np.array(coming[1]) + r[0] * np.array(down_p[1]) + r[1] * np.array(down_s[1])
    found = (free_surface_p if kind == "P" else free_surface_sv)(p, vp, vs)
    np.testing.assert_allclose([found[0], -found[2]], total, atol=1e-9)


def test_sh_is_doubled() -> None:
    np.testing.assert_array_equal(free_surface_sh(), [0, 2, 0])


def test_attenuation_is_causal() -> None:
    frequency = np.fft.rfftfreq(4096, 0.01)
    values = np.fft.irfft(minimum_phase(-np.pi * 0.05 * frequency))
    peak = np.abs(values).max()
    assert np.abs(values[-2000:]).max() < 1e-3 * peak
    assert np.argmax(np.abs(values)) < 8


@pytest.mark.parametrize("phase", ["P", "S"])
def test_ground_motion_does_not_depend_on_the_sampling_rate(phase: Phase) -> None:
    shaking, _ = shaken(np.random.default_rng(5), 20.0, 2.0)
    fine, *coarse = (
        body_wave_spectrum(Crust(), shaking.source, shaking.path, shaking.site, phase, frequency)
        for frequency in (np.fft.rfftfreq(32 * rate, 1 / rate) for rate in (200, 100, 40))
    )
    for wave in coarse:
        np.testing.assert_allclose(wave, fine[: len(wave)], rtol=1e-9)


def test_rays_leave_as_they_should() -> None:
    crust = Crust()
    near = trace_rays(crust, 2.0, 0.0, 10.0)
    assert near.p.takeoff > np.pi / 2
    assert not near.p.is_head_wave
    far = trace_rays(crust, 180.0, 0.0, 8.0)
    assert far.p.is_head_wave
    assert far.p.takeoff < np.pi / 2
    at_surface = 1 - GIL7.depth_km[-1] / 6371  # rays converge towards the centre of the Earth
    assert far.p.slowness == pytest.approx(at_surface / GIL7.vp[-1], rel=1e-3)
    assert near.p.time_s < near.s.time_s


def test_density_is_that_of_rock() -> None:
    assert density(6.0) == pytest.approx(2720, abs=30)  # Brocher (2005), figure 3


@pytest.mark.parametrize("phase", ["P", "S"])
def test_nothing_moves_before_its_ray_and_something_does_after(phase: str) -> None:
    """The onset of the envelope, by the Akaike criterion, against the time of the solver."""
    late = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        shaking, frame = shaken(rng, float(rng.uniform(5, 60)), 2.0, 48)
        data = frame.samples_of(velocity_spectrum(Crust(), shaking, frame))
        row = data[0].copy() if phase == "P" else np.hypot(data[1], data[2])
        time_s = shaking.path.ray(phase).time_s
        row += rng.normal(0, 0.01 * np.abs(row).max(), len(row))  # else ripples are onsets
        around = np.abs(frame.time - time_s) < (2.0 if phase == "P" else 1.0)
        late.append(frame.time[around][_onset(row[around])] - time_s)
        if phase == "P":
            before = frame.time < time_s - 0.1
            assert np.abs(data[0, before]).max() < 0.02 * np.abs(data[0]).max()
    assert abs(np.median(late)) < 0.06
    assert np.mean(np.abs(late) < 0.25) > 0.7


def _onset(values: np.ndarray) -> int:
    """Maeda's (1985) onset: where two stretches of different variance fit best."""
    n = len(values)
    k = np.arange(5, n - 5)
    fit = [i * np.log(np.var(values[:i]) + 1e-30) + (n - i) * np.log(np.var(values[i:]) + 1e-30)
           for i in k]  # fmt: skip
    return int(k[np.argmin(fit)])


def test_p_is_on_the_vertical_and_s_on_the_horizontals() -> None:
    p_share, s_share = [], []
    for seed in range(20):
        rng = np.random.default_rng(100 + seed)
        shaking, frame = shaken(rng, 25.0, 2.0, 48)
        data = frame.samples_of(velocity_spectrum(Crust(), shaking, frame))
        for phase, shares in (("P", p_share), ("S", s_share)):
            begin = np.searchsorted(frame.time, shaking.path.ray(phase).time_s)
            power = np.sum(data[:, begin : begin + 100] ** 2, axis=1)
            shares.append(power[0] / power.sum())
    assert np.median(p_share) > 0.42
    assert np.median(s_share) < 0.25


def test_polarity_is_the_first_motion() -> None:
    agree = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        shaking, frame = shaken(rng, 8.0, 2.5, 32)
        up = frame.samples_of(velocity_spectrum(Crust(), shaking, frame))[0]
        begin = int(np.searchsorted(frame.time, shaking.path.p.time_s))
        agree.append(np.sign(up[begin : begin + 4].sum()) == shaking.polarity)
    assert np.mean(agree) > 0.85


def test_the_coda_decays_as_aki_and_chouet_say() -> None:
    """Late amplitudes fall as exp(-pi f t / Qc) / t in a band about f."""
    crust, ratios = Crust(), []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        path = trace_rays(crust, 10.0, 0.0, 8.0)
        shaking = Shaking(
            Source.random(rng, 3.0), path, Site.random(rng), PathEffects.random(rng, path)
        )
        frame = Frame(0.0, 96, 100)
        spectrum = velocity_spectrum(crust, shaking, frame)
        band = np.exp(-((np.log2(np.maximum(frame.frequency, 1e-3) / 4.0) / 0.2) ** 2))
        east = frame.samples_of(spectrum * band)[2]
        rms = [np.sqrt(np.mean(east[(frame.time > t - 5) & (frame.time < t + 5)] ** 2))
               for t in (25, 65)]  # fmt: skip
        ratios.append(rms[0] / rms[1])
    q = crust.coda_q * 4.0**crust.coda_q_power
    expected = 65 / 25 * np.exp(np.pi * 4.0 * (65 - 25) / q)
    assert np.median(ratios) == pytest.approx(expected, rel=0.4)
