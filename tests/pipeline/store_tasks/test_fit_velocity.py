"""A model fitted to the picks of a store gives the catalog of ``run --velocity auto``."""

from __future__ import annotations

import json

import pytest

from epicat.campaign.options import AssociationOptions, CampaignOptions
from epicat.campaign.resolve import resolve
from epicat.cli.app import main
from epicat.errors import InputError
from epicat.pipeline.store_tasks.fit_velocity import fit_stored_velocity
from epicat.pipeline.store_tasks.import_picks import import_picks
from epicat.store.base import Where
from epicat.store.open import open_store
from epicat.table_rows import stations_table
from epicat.time import iso
from epicat.velocity.layers import read_layers
from support.tiny_bundle import install
from support.tiny_network import EXTENT, VP, VS, keyed_picks, stations, truths, write_network

FILE = """\
start = 2020-01-01
end = 2020-01-03
extent = [-40.3, -39.7, 174.6, 175.4]
archive = "sds"
layout = "sds"
stations = "stations.csv"
store = "catalog"

[pick]
weight = "{weight}"

[associate]
velocity = "auto"

[associate.pyocto]
n_picks = 8
"""
BEFORE, AFTER = range(-860, -20, 60), range(30, 300, 60)


def epicat(*words: object) -> None:
    with pytest.raises(SystemExit) as left:
        main([str(word) for word in words])
    assert not left.value.code


def imported(folder, seconds, **settings):
    """Return options, and a store with imported picks of events at these times."""
    found = keyed_picks(truths(seconds), stations()).values()
    rows = [f"{p.trace_id},{p.phase},{iso(p.time_ns)}" for picks in found for p in picks]
    (folder / "picks.csv").write_text("\n".join(["trace_id,phase,time", *rows]))
    store = open_store(str(folder / "store"), create=True)
    import_picks(folder / "picks.csv", store)
    store.put_stations(stations_table(stations()))
    given = {"start": "2020-01-01", "end": "2020-01-03", "extent": EXTENT,
             "store": store.location, "associate": settings}  # fmt: skip
    return AssociationOptions(**given), store


@pytest.fixture
def campaign(tmp_path):
    write_network(tmp_path, truths([*BEFORE, *AFTER]))
    (tmp_path / "campaign.toml").write_text(FILE.format(weight=install(tmp_path)))
    return tmp_path / "campaign.toml"


def test_a_fit_and_its_file_give_the_events_of_auto(campaign, tmp_path, capsys):
    model, options = tmp_path / "velocity.csv", ("--workers", 1, "--json")
    epicat("run", campaign, *options, "--store", tmp_path / "auto")
    auto = json.loads(capsys.readouterr().out)
    # One day of picks, made with any velocities, then the model.
    store = tmp_path / "fitted"
    epicat("run", campaign, *options, "--store", store, "--end", "2020-01-02",
           "--velocity", "iasp91")  # fmt: skip
    assert json.loads(capsys.readouterr().out)["associator"] != auto["associator"]
    epicat("velocity", "fit", campaign, "--store", store, "-o", model)
    told = capsys.readouterr().err
    assert "picks of 14 events of 2020.001" in told
    assert f"--velocity {model} --velocity-layers constant" in told
    file = ("--velocity", model, "--velocity-layers", "constant")
    epicat("run", campaign, *options, "--store", store, *file)
    fitted = json.loads(capsys.readouterr().out)
    assert fitted["associator"] == auto["associator"]
    tables = [
        open_store(str(place)).read("events", Where(design=auto["associator"])).sort_by("time")
        for place in (tmp_path / "auto", store)
    ]
    assert tables[0].num_rows == len([*BEFORE, *AFTER])
    assert tables[0]["event_id"].to_pylist() == tables[1]["event_id"].to_pylist()
    for column in ("time", "latitude", "longitude", "depth_km", "rms_s"):
        assert tables[0][column].to_pylist() == tables[1][column].to_pylist()


def test_the_model_goes_to_stdout_and_is_near_the_truth(campaign, tmp_path, capsys):
    epicat("run", campaign, "--workers", 1, "--store", tmp_path / "auto", "--end", "2020-01-02")
    capsys.readouterr()
    epicat("velocity", "fit", campaign, "--store", tmp_path / "auto", "--end", "2020-01-02")
    (tmp_path / "model.csv").write_text(capsys.readouterr().out)
    model = read_layers(tmp_path / "model.csv", constant=True)
    assert model.vp[-1] / model.vs[-1] == pytest.approx(VP / VS, abs=0.02)
    assert model.velocity(9.0, "P") == pytest.approx(VP, rel=0.03)


def test_days_are_added_until_there_are_enough_events(tmp_path):
    asked, store = imported(tmp_path, [*range(-400, -100, 60), *range(100, 700, 60)])
    assert fit_stored_velocity(asked, store, print).sample == "2020.001 to 2020.002"


def test_too_few_events_are_reported_with_what_to_do(tmp_path):
    asked, store = imported(tmp_path, [-400, -300])
    with pytest.raises(InputError, match=r"picks of 2020.001 have too few events .* ten events"):
        fit_stored_velocity(asked, store, print)


def test_a_station_that_is_not_picked_yet_is_reported(campaign, tmp_path, capsys):
    epicat("run", campaign, "--workers", 1, "--store", tmp_path / "auto", "--end", "2020-01-02",
           "--exclude", "XX.ST07.*", "--velocity", "iasp91")  # fmt: skip
    epicat("stations", "import", tmp_path / "stations.csv", "--store", tmp_path / "auto")
    capsys.readouterr()
    epicat("velocity", "fit", campaign, "--store", tmp_path / "auto")
    assert "1 of 8 stations are not picked on 2020.001 yet" in capsys.readouterr().err


def test_constant_velocities_are_refused(tmp_path):
    asked, store = imported(tmp_path, BEFORE, p_velocity=6.0)
    with pytest.raises(InputError, match="remove --p-velocity"):
        fit_stored_velocity(asked, store, print)


def test_auto_refuses_constant_velocities_before_it_picks(campaign, tmp_path, capsys):
    with pytest.raises(SystemExit) as left:
        main(["run", str(campaign), "--store", str(tmp_path / "auto"), "--p-velocity", "6"])
    assert left.value.code == 2
    assert "remove --p-velocity" in capsys.readouterr().err


def test_resolve_names_the_commands(tmp_path):
    options = CampaignOptions.from_mapping(
        {"start": "2020-01-01", "end": "2020-02-01", "extent": str(EXTENT), "store": "catalog",
         "archive": "nowhere", "stations": "none.csv", "associate": {"velocity": "auto"}}
    )  # fmt: skip
    with pytest.raises(InputError) as refused:
        resolve(options)
    lines = str(refused.value).splitlines()
    assert lines[1] == "  epicat run CAMPAIGN.toml --end 2020.002"
    assert lines[2] == "  epicat velocity fit CAMPAIGN.toml -o velocity.csv"
    assert "--velocity velocity.csv --velocity-layers constant" in lines[3]
