"""A campaign whose waveforms and stations come from a data center, with faults on the way."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from epicat.archive.layouts import Sds
from epicat.cli.app import main
from epicat.store.open import open_store
from support.fdsn_server import DataCenter, cut_off, status
from support.tiny_bundle import install
from support.tiny_network import EXTENT, VP, VS, arguments, truths, write_network

HEADER = (
    "#Network|Station|Location|Channel|Latitude|Longitude|Elevation|Depth|Azimuth|Dip|"
    "SensorDescription|Scale|ScaleFreq|ScaleUnits|SampleRate|StartTime|EndTime"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("network")
    write_network(root, truths((-300.0, 40.0, 320.0)), around_s=600)
    return root


@pytest.fixture
def center(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DataCenter]:
    monkeypatch.setenv("EPICAT_PATIENCE", "30")
    waveforms: dict[str, bytes] = {}
    for path in sorted((folder / "sds").rglob("*")):
        entry = path.is_file() and Sds().parse(path.relative_to(folder / "sds").as_posix())
        if entry:
            name = f"{entry.network}.{entry.station}.{entry.location}.{entry.channel}"
            waveforms[name] = waveforms.get(name, b"") + path.read_bytes()
    with DataCenter(waveforms, station_text(folder, waveforms)).serving() as server:
        yield server


def station_text(folder: Path, waveforms: dict[str, bytes]) -> str:
    with (folder / "stations.csv").open() as file:
        rows = {row["id"].split(".")[1]: row for row in csv.DictReader(file)}
    lines = [HEADER]
    for name in sorted(waveforms):
        network, station, location, channel = name.split(".")
        row = rows[station]
        angles = {"Z": "0|-90", "N": "0|0", "E": "90|0"}[channel[2]]
        place = f"{row['latitude']}|{row['longitude']}|{row['elevation']}|0|{angles}"
        lines.append(
            f"{network}|{station}|{location}|{channel}|{place}|x|1|1|m/s|100|2000-01-01T00:00:00|"
        )
    return "\n".join(lines)


def options(center: DataCenter, folder: Path, store: Path, *more: str) -> list[str]:
    return [
        "run", "2020-01-01", "2020-01-03", str(EXTENT), "--archive", f"fdsn:{center.url}",
        "--store", str(store), "--weight", str(install(folder)), "--p-velocity", str(VP),
        "--s-velocity", str(VS), "--pyocto", "n_picks=8", *more,
    ]  # fmt: skip


def run(arguments_: list[str]) -> int:
    with pytest.raises(SystemExit) as left:
        main(arguments_)
    return int(left.value.code or 0)


def results(store: Path) -> dict[str, str]:
    """The digests of the results by key."""
    return {entry.key: entry.result for entry in open_store(str(store)).ledger()}


def test_a_data_center_gives_the_catalog_of_the_same_files(
    center: DataCenter, folder: Path, tmp_path: Path
) -> None:
    assert run(["run", *arguments(folder, tmp_path / "local", "--workers", "1")]) == 0
    expected = results(tmp_path / "local")
    assert len(set(expected.values())) > 10
    center.faults = [status(503), None, status(429, Retry_After="0"), cut_off, None, status(500)]
    keep = ["--keep", str(tmp_path / "kept"), "--workers", "1"]
    assert run(options(center, folder, tmp_path / "served", *keep)) == 0
    assert results(tmp_path / "served") == expected
    center.shutdown()
    center.server_close()
    assert run(options(center, folder, tmp_path / "again", *keep)) == 0
    assert results(tmp_path / "again") == expected
