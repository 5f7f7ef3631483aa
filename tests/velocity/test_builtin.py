from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from epicat.cli.velocity import app
from epicat.errors import NameChoiceError
from epicat.geo import Extent
from epicat.velocity.builtin import (
    MODELS,
    is_model_name,
    model_of,
    named_model,
    regional_model,
)
from epicat.velocity.checks import doubts
from epicat.velocity.layers import LayerModel
from epicat.velocity.travel_times import travel_times


def test_names_and_aliases_are_unique_and_found_in_any_case():
    names = [name for m in MODELS for name in (m.name, *m.aliases)]
    assert len(set(names)) == len(names)
    for model in MODELS:
        for name in (model.name, *model.aliases):
            assert named_model(name.upper()) is model
            assert is_model_name(name)
        assert model.source
    assert not is_model_name("velocity.csv")


def test_an_unknown_name_shows_the_near_ones():
    with pytest.raises(NameChoiceError, match="did you mean iasp91"):
        model_of("iasp")


@pytest.mark.parametrize("model", MODELS, ids=[m.name for m in MODELS])
def test_numbers_are_plausible(model):
    rows = model.model
    assert np.all(np.diff(rows.depth_km) > 0)
    assert list(doubts(rows)) == []


@pytest.mark.parametrize(
    ("name", "depth", "vp", "vs"),
    [
        ("iasp91", 10, 5.8, 3.36),
        ("iasp91", 30, 6.5, 3.75),
        ("iasp91", 50, 8.043, 4.478),
        ("ak135", 10, 5.8, 3.46),
        ("ak135", 30, 6.5, 3.85),
        ("norcal", 10, 6.21, 3.59),
        ("socal", 10, 6.3, 3.642),
        ("chile", 25, 6.45, 3.8),
        ("iceland", 5, 6.1, 3.427),
        ("japan", 10, 6.0, 3.55),
        ("central-italy", 10, 5.5516, 3.1475),
    ],
)
def test_velocities_are_those_of_the_publications(name, depth, vp, vs):
    model = model_of(name)
    for phase, expected in (("P", vp), ("S", vs)):
        assert model.velocity(np.array([depth]), phase)[0] == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize("name", ["iasp91", "ak135"])
def test_global_models_are_those_of_obspy(name):
    """The steps have the mean slowness of the gradients of ObsPy's tables, down to 760 km."""
    taup = pytest.importorskip("obspy.taup")
    text = (Path(taup.__file__).parent / "data" / f"{name}.tvel").read_text()
    rows = np.array([line.split()[:3] for line in text.splitlines()[2:]], float)
    z = 0.005 + 0.01 * np.arange(76_000)
    for column, phase in ((1, "P"), (2, "S")):
        depth = rows[:, 0] + np.concatenate([[0], 1e-6 * (np.diff(rows[:, 0]) == 0)])
        own, other = model_of(name).velocity(z, phase), np.interp(z, depth, rows[:, column])
        assert np.abs(own - other).max() < 0.025
        assert np.sum(1 / own - 1 / other) * 0.01 == pytest.approx(0, abs=2e-3)  # seconds


def test_steps_keep_the_vertical_time_of_the_gradient():
    """From 410 to 660 km iasp91 is linear in depth from node to node."""
    nodes = np.array([410, 460, 510, 560, 610, 660.0])
    speed = np.array([9.36, 9.528, 9.696, 9.864, 10.032, 10.2])
    z = np.linspace(410, 660, 100_001)
    slowness = 1 / np.interp(z, nodes, speed)
    exact = float(np.sum((slowness[1:] + slowness[:-1]) / 2 * np.diff(z)))
    times = travel_times(model_of("iasp91"), "P", 0.0, np.zeros(1), np.array([410.0, 660.0]))
    assert np.diff(times[0])[0] == pytest.approx(exact, abs=2e-3)


@pytest.mark.parametrize(
    ("extent", "name"),
    [
        ("35.2,36.3,-118.2,-117.0", "socal"),
        ("39,41,-124,-123", "norcal"),
        ("64.4,65.3,-17.6,-15.9", "iceland"),
        ("-24,-20,-71,-67", "chile"),
        ("42.5,43.2,13,13.5", "iasp91"),  # central-italy only by name
        ("35,37,138,140", "japan"),
        ("-41,-39,174,176", "iasp91"),
    ],
)
def test_the_default_is_the_model_of_the_region(extent, name):
    assert regional_model(Extent.parse(extent)).name == name


def test_doubts_name_what_rock_does_not_have():
    model = LayerModel((0.0, 10.0, 80.0), (6.0, 4.0, 6.5), (4.5, 1.0, 3.7))
    texts = " ".join(doubts(model))
    assert "vp/vs is 1.33 at 0 km" in texts
    assert "vp/vs is 4.00 at 10 km" in texts
    assert "vp is 6.5 km/s at 80 km" in texts
    assert "drops by 33%" in texts


def test_the_list_has_every_model_with_its_source():
    plain = CliRunner().invoke(app, ["list", "--rows"]).output
    rows = CliRunner().invoke(app, ["list", "--json"]).output.splitlines()
    assert [json.loads(row)["name"] for row in rows] == [m.name for m in MODELS]
    for model in MODELS:
        assert model.source in plain
    assert "5.5,6.3,3.642" in plain
