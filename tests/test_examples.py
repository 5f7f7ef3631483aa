"""The campaigns in examples/: each is read, and planned against archives that are stood in for."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from epicat._util.option_models import options_of
from epicat.campaign.file import read_campaign
from epicat.campaign.options import CampaignOptions
from epicat.campaign.parse import make_options
from epicat.cli.app import main
from epicat.geo import Extent
from epicat.model import Span
from support.s3 import Server
from support.tiny_bundle import install
from support.tiny_network import truths, write_network

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
NAMES = sorted(path.name for path in EXAMPLES.glob("*.toml"))

XML = """<FDSNStationXML xmlns="http://www.fdsn.org/xml/station/1"><Network code="CI">
<Station code="{code}"><Latitude>{lat}</Latitude><Longitude>{lon}</Longitude>
<Elevation>700</Elevation></Station></Network></FDSNStationXML>"""
PLACES = {"CCC": (35.52, -117.36), "JRC2": (35.98, -117.81), "SLA": (35.89, -117.28),
          "WBS": (35.54, -118.14), "PAS": (34.15, -118.17)}  # fmt: skip


def options(name: str) -> CampaignOptions:
    return make_options(CampaignOptions, read_campaign(EXAMPLES / name))


def planned(*given: object) -> None:
    with pytest.raises(SystemExit) as left:
        main(["plan", *map(str, given)])
    assert left.value.code == 0


def test_there_are_three():
    assert NAMES == ["mendocino.toml", "ridgecrest.toml", "sds.toml"]


@pytest.mark.parametrize("name", NAMES)
def test_each_can_be_used(name):
    made = options(name)
    assert Path(made.store).parent == EXAMPLES
    for path in read_campaign(EXAMPLES / name):
        assert path in options_of(CampaignOptions)


def test_the_tutorials_campaign():
    made = options("mendocino.toml")
    assert made.span == Span.parse("2019.172", "2019.182")
    assert made.extent == Extent(39, 41, -125, -123)
    assert (made.archive, made.pick.model, made.pick.weight) == ("ncedc", "PhaseNet", "instance")
    assert (made.pick.p_threshold, made.pick.s_threshold) == (0.2, 0.2)
    associate = made.associate
    assert associate.p_velocity == 6.0
    assert associate.s_velocity == pytest.approx(6 / 1.75, abs=1e-4)
    assert (associate.min_depth_km, associate.max_depth_km, associate.margin_km) == (0, 50, 0)
    assert (associate.pyocto.n_picks, associate.pyocto.tolerance) == (10, 1.5)
    assert associate.pyocto.association_cutoff_distance == associate.pyocto.time_before == 150


def test_ridgecrest_is_planned_from_the_buckets_own_stations(s3_server: Server, tmp_path, capsys):
    objects = {
        f"FDSNstationXML/CI/CI_{code}.xml": XML.format(code=code, lat=lat, lon=lon).encode()
        for code, (lat, lon) in PLACES.items()
    }
    s3_server.make("scedc-pds", objects)
    planned(EXAMPLES / "ridgecrest.toml", "--archive-endpoint", s3_server.endpoint,
            "--weight", install(tmp_path), "--store", tmp_path / "store")  # fmt: skip
    told = capsys.readouterr().err
    assert "5 stations, 4 of them inside the extent" in told
    assert "4 layers" in told
    assert "16 station-days" in told


def test_the_sds_archive_of_ones_own(tmp_path, capsys):
    write_network(tmp_path, truths([]))
    (tmp_path / "velocity.csv").write_text("depth_km,vp,vs\n0,5.5,3.2\n10,6.2,3.6\n40,8,4.6\n")
    shutil.copy(EXAMPLES / "sds.toml", tmp_path)
    planned(tmp_path / "sds.toml", "--start", "2020-01-01", "--end", "2020-01-03",
            "--weight", install(tmp_path))  # fmt: skip
    assert "16 station-days" in capsys.readouterr().err
