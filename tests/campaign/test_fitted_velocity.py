"""Fitted velocity models as records of a store."""

from __future__ import annotations

from pathlib import Path

from epicat.association.associate_options import AssociateOptions
from epicat.association.design import Design, make_design
from epicat.association.sites import Site
from epicat.campaign.fitted_velocity import FittedVelocity
from epicat.geo import Extent
from epicat.store.open import open_store
from epicat.velocity.layers import LayerModel

MODEL = LayerModel((-1.0, 4.0), (4.5, 6.1), (2.6, 3.5), constant=True)
OTHER = LayerModel((0.0, 9.0), (5.5, 6.4), (3.2, 3.7), constant=True)


def design(run: str) -> Design:
    sites = [Site(f"XX.S{n}", 40 + 0.1 * n, 20 + 0.05 * n**2, 100.0) for n in range(5)]
    extent = Extent(39.5, 41.0, 19.5, 21.5)
    return make_design(AssociateOptions(), run, extent, sites, OTHER)


def test_the_first_model_of_a_design_stays(tmp_path: Path):
    store = open_store(str(tmp_path / "store"), create=True)
    first, second = (FittedVelocity.from_model(m, "2020.001") for m in (MODEL, OTHER))
    assert FittedVelocity.find(store, design("a")) is None
    assert first.keep(store, design("a")) == first
    assert second.keep(store, design("a")) == first
    again = FittedVelocity.find(open_store(str(tmp_path / "store")), design("a"))
    assert again is not None
    assert again.model == MODEL
    assert again.model.digest == MODEL.digest


def test_another_run_has_a_model_of_its_own(tmp_path: Path):
    store = open_store(str(tmp_path / "store"), create=True)
    FittedVelocity.from_model(MODEL, "2020.001").keep(store, design("a"))
    assert FittedVelocity.find(store, design("b")) is None
