"""Examples: verified downloads from a server on the loopback, laid out for a run."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import replace

import pytest

pytest.importorskip("pooch")

from epicat import examples
from epicat.cli.app import main
from epicat.errors import InputError
from epicat.examples import EXAMPLES, download, prepare
from support.example_server import holuhraun_contents, registry, serving

REAL = EXAMPLES["holuhraun"]
SMALL = {
    "deep/iceland_stations.txt": b"Latitude,Longitude,Elevation,Name\n64.5,-17.25,1.381,ABC\n",
    "deep/iceland_vmodel.txt": b"Depth,Vp,Vs\n0,5,2.9\n",
    "other/1.m": b"waveforms" * 1000,
    "other/2.m": b"",
}


@pytest.fixture
def served():
    with serving(dict(SMALL)) as server:
        yield server


@pytest.fixture
def small():
    return replace(REAL, files=registry(SMALL))


def test_the_files_are_verified_and_laid_out(served, small, tmp_path):
    steps = []
    file = prepare(
        small, tmp_path / "new", base_url=served.address, progress=lambda *step: steps.append(step)
    )
    assert file.parent == tmp_path / "new"
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert (file.parent / "waveforms" / "1.m").read_bytes() == SMALL["other/1.m"]
    stations = (file.parent / "stations.csv").read_text()
    assert stations == "id,latitude,longitude,elevation\nZ7.ABC,64.5,-17.25,1381\n"
    assert "GPL 3" in (file.parent / "NOTICE.txt").read_text()


def test_what_is_there_is_not_downloaded_again(served, small, tmp_path):
    prepare(small, tmp_path, base_url=served.address)
    (tmp_path / "waveforms" / "1.m").write_bytes(b"damaged")
    served.requests.clear()
    prepare(small, tmp_path, base_url=served.address, model="epicat-mini")
    assert served.requests == ["/other/1.m"]
    assert (tmp_path / "waveforms" / "1.m").read_bytes() == SMALL["other/1.m"]
    assert 'model = "epicat-mini"' in (tmp_path / "campaign.toml").read_text()


def test_other_content_is_refused_and_not_kept(served, small, tmp_path):
    served.contents["other/1.m"] = b"something else"
    with pytest.raises(InputError, match=r"other/1\.m: the content is not .* 9,000 bytes"):
        download(small.files, tmp_path, served.address, retries=0)
    assert not (tmp_path / "1.m").exists()


def test_a_missing_file_and_an_unreachable_server_are_one_message(served, small, tmp_path):
    del served.contents["other/1.m"]
    with pytest.raises(InputError, match=r"other/1\.m: the server answers with status 404"):
        download(small.files, tmp_path, served.address, retries=0)
    with pytest.raises(InputError, match=r"127.0.0.1:9/.* cannot be downloaded \(Connection"):
        download(small.files, tmp_path / "other", "http://127.0.0.1:9", retries=0)


def test_another_campaign_is_never_replaced(small, tmp_path):
    (tmp_path / "campaign.toml").write_text("start = 2019.001\n")
    with pytest.raises(InputError, match="another campaign: give a new or empty folder"):
        prepare(small, tmp_path, base_url="http://127.0.0.1:9")
    assert [path.name for path in tmp_path.iterdir()] == ["campaign.toml"]


def test_the_table_names_the_files_of_a_pinned_commit():
    names = [source.name for source in REAL.files]
    assert len(set(names)) == len(names) == 29
    assert sum(name.endswith(".m") for name in names) == 27
    assert all(len(bytes.fromhex(source.sha256)) == 32 for source in REAL.files)
    assert REAL.base_url.startswith("https://raw.githubusercontent.com/")
    assert len(REAL.base_url.rpartition("/")[2]) == 40


def test_the_table_is_that_of_the_real_data(realdata):
    with (realdata / "holuhraun" / "source.csv").open() as file:
        told = [(r["path"], int(r["bytes"]), r["sha256"]) for r in csv.DictReader(file)]
    assert [(one.path, one.bytes, one.sha256) for one in REAL.files] == told


def test_real_files_are_laid_out_as_the_real_data_are(realdata, tmp_path, monkeypatch, capsys):
    pytest.importorskip("obspy")
    contents = holuhraun_contents(realdata, REAL.files)
    for source in REAL.files:
        content = contents[source.path]
        assert len(content) == source.bytes
        if not source.name.endswith(".m"):  # the example's own bytes
            assert hashlib.sha256(content).hexdigest() == source.sha256
    served_example = replace(REAL, files=registry(contents))
    monkeypatch.setattr(examples, "EXAMPLES", {"holuhraun": served_example})
    with serving(contents) as server:
        given = ["example", "holuhraun", str(tmp_path / "new"), "--model", "epicat-mini"]
        assert epicat(*given, "--base-url", server.address) == 0
    told = capsys.readouterr().err
    assert "GNU GPL 3" in told
    assert (tmp_path / "new" / "events.png").stat().st_size > 20_000

    reference = tmp_path / "campaign.toml"
    text = (tmp_path / "new" / "campaign.toml").read_text()
    folder = realdata / "holuhraun"
    text = text.replace('"waveforms"', f'"{folder / "waveforms"}"')
    text = text.replace('"stations.csv"', f'"{folder / "stations.csv"}"')
    text = text.replace('"source/iceland_vmodel.txt"', f'"{folder / "velocity_model.txt"}"')
    reference.write_text(text)
    assert epicat("run", reference) == 0
    for table in ("picks", "events"):
        capsys.readouterr()
        assert epicat("export", tmp_path / "new" / "campaign.toml", "--table", table) == 0
        laid_out = capsys.readouterr().out
        assert epicat("export", reference, "--table", table) == 0
        assert laid_out == capsys.readouterr().out
        assert len(laid_out.splitlines()) > 5


def test_no_run_prints_the_command(served, small, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(examples, "EXAMPLES", {"holuhraun": small})
    monkeypatch.setenv("EPICAT_EXAMPLE_URL", served.address)
    assert epicat("example", "holuhraun", tmp_path / "new", "--no-run") == 0
    assert f"epicat run {tmp_path / 'new' / 'campaign.toml'}" in capsys.readouterr().err
    assert epicat("example", "holohraun") == 2
    assert "did you mean holuhraun?" in capsys.readouterr().err


def epicat(*given):
    with pytest.raises(SystemExit) as left:
        main([str(one) for one in given])
    return left.value.code
