"""vp/vs and a velocity model from exact and noisy arrivals of known events."""

from __future__ import annotations

import numpy as np
import pytest

from epicat.association.candidates import Candidate, Matched
from epicat.association.fit_model import fit_model
from epicat.association.network import Network
from epicat.association.wadati import model_ratio, wadati
from epicat.velocity.builtin import model_of
from epicat.velocity.layers import LayerModel
from epicat.velocity.travel_times import travel_times

TRUE = LayerModel((-2.0, 2.0, 6.0, 14.0), (4.2, 5.4, 6.0, 6.6), (2.333, 3.0, 3.333, 3.667), True)
RATIO = 1.8


def network(count: int = 16) -> Network:
    random = np.random.default_rng(4)
    return Network(*random.uniform(-30, 30, (2, count)), -random.uniform(0, 1, count))


def events(sites: Network, *, count: int = 40, scatter_s: float = 0.05) -> list[Candidate]:
    random = np.random.default_rng(9)
    made = []
    for number in range(count):
        x, y = random.uniform(-20, 20, 2)
        z = random.uniform(2, 12)
        time_ns = 10**18 + number * 10**11
        picks = []
        for site in range(len(sites)):
            distance = float(np.hypot(x - sites.x_km[site], y - sites.y_km[site]))
            for phase in ("P", "S"):
                seconds = travel_times(
                    TRUE, phase, float(sites.depth_km[site]), np.array([distance]), np.array([z])
                )[0, 0] + random.normal(0, scatter_s)
                if random.uniform() < 0.03:
                    seconds += random.uniform(-1, 1)  # a pick of something else
                name = f"S{site}"
                picks.append(Matched(time_ns + round(seconds * 1e9), f"{number}{name}{phase}",
                                     name, name, phase, 0.0))  # fmt: skip
        error = random.normal(0, 1.5, 3)
        z = max(z + error[2], 0.5)
        made.append(Candidate(time_ns, x + error[0], y + error[1], z, tuple(sorted(picks))))
    return made


def test_the_ratio_of_exact_arrivals_is_found_in_spite_of_wrong_picks():
    found = wadati(events(network()))
    assert found is not None
    assert found.ratio == pytest.approx(RATIO, abs=0.02)
    assert abs(found.ratio - RATIO) < 4 * found.error + 0.01
    assert found.events == 40
    assert found.is_determined
    assert found.bias < 0.03


def test_few_pairs_give_no_ratio():
    assert wadati([]) is None
    assert wadati(events(network(), count=1)) is None


def test_a_small_network_does_not_determine_the_ratio():
    wide = network()
    small = Network(wide.x_km / 20, wide.y_km / 20, wide.depth_km)
    found = wadati(events(small))
    assert found is not None
    assert not found.is_determined
    assert found.spread_s < 0.5


def test_ratios_of_models():
    assert model_ratio(model_of("socal")) == pytest.approx(1.73, abs=0.002)
    assert model_ratio(TRUE) == pytest.approx(RATIO, abs=0.002)


def test_a_fitted_model_is_nearer_to_the_truth_and_fits_better():
    sites = network()
    number = {f"S{n}": n for n in range(len(sites))}
    start = model_of("iasp91")
    found = fit_model(events(sites), sites, number, start, 1.73)
    assert found is not None
    assert found.vp_vs == pytest.approx(RATIO, abs=0.03)
    assert found.misfit_s[1] < 0.6 * found.misfit_s[0]
    depth = np.linspace(1, 11, 21)

    def wrong(model: LayerModel) -> float:
        """Return the largest error of the mean slowness down to some depths."""
        pairs = [np.cumsum(1 / m.velocity(depth, "P")) for m in (model, TRUE)]
        return float(np.max(np.abs(pairs[0] / pairs[1] - 1)[5:]))

    assert wrong(found.model) < 0.6 * wrong(start)
    assert fit_model(events(sites)[::-1], sites, number, start, 1.73) == found


def test_few_events_give_no_model():
    sites = network()
    number = {f"S{n}": n for n in range(len(sites))}
    few = events(sites, count=5)
    assert fit_model(few, sites, number, model_of("iasp91"), 1.73) is None
