"""The global search finds the basin of the best place, also among many wrong picks."""

from __future__ import annotations

import numpy as np
from benchmarks.simulated_picks import LAYERS, Errors, simulate

from epicat.locate.arrivals import batches
from epicat.locate.likelihood import StudentT
from epicat.locate.locator import Locator
from epicat.locate.refine import Refiner
from epicat.locate.search import GlobalSearch


def test_few_events_fit_better_at_their_true_place_than_where_the_search_begins():
    case = simulate(51, events=400, sensors=14, errors=Errors(wrong=0.25))
    grids = Locator(LAYERS, case.network, case.box).grids
    search, refiner = GlobalSearch(case.box, case.network, grids), Refiner(case.box, 0.02)
    missed = []
    for batch in batches(case.arrivals, case.network, grids, len(case.place_km)):
        true = [case.place_km[batch.events, k : k + 1] for k in range(3)]
        true.append(case.origin_s[batch.events, None])
        found, best = (
            refiner.refine(batch, StudentT(batch.inverse_sigma, 2.0), _unknowns(place), 30).best()
            for place in (search.find(batch), true)
        )
        missed.append(found.logarithm[:, 0] < best.logarithm[:, 0] - 3)
    assert np.concatenate(missed).mean() < 0.005


def _unknowns(place):
    return [*place, *(np.zeros_like(place[0]) for _ in range(2))]
