"""The same waveforms in every layout, in a folder and in a bucket: the same picks, id for id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pymseed
import pytest

from epicat.archive.access import Access
from epicat.archive.layouts import LAYOUTS, Entry, Sds
from epicat.archive.registry import PUBLIC_ARCHIVES
from epicat.campaign.campaign import Campaign
from epicat.cli.app import main
from epicat.ledger import Status
from epicat.model import StationDay
from epicat.pick.openvino.bundle import Bundle
from epicat.pick.openvino.picker import OpenVinoPicker
from epicat.pipeline.stages.pick_day import DayPicker
from epicat.store.open import open_store
from epicat.table_rows import picks_table
from support.layout_keys import KEYS
from support.s3 import Server
from support.tiny_network import arguments, settled, truths, write_network

SECONDS = (-300.0, 40.0, 320.0)
PLACES = 3
LAYOUT_NAMES = sorted([*LAYOUTS, "files"])
Objects = Mapping[str, bytes]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network's ``stations.csv`` and its SDS archive."""
    root = tmp_path_factory.mktemp("network")
    write_network(root, truths(SECONDS), around_s=600)
    return root


@pytest.fixture(scope="module")
def waveforms(folder: Path) -> dict[Entry, bytes]:
    """What the SDS archive holds."""
    files = [path for path in (folder / "sds").rglob("*") if path.is_file()]
    entries = {Sds().parse(path.relative_to(folder / "sds").as_posix()): path for path in files}
    return {entry: path.read_bytes() for entry, path in entries.items() if entry}


def served(layout: str, waveforms: Mapping[Entry, bytes]) -> Objects:
    """File waveforms as a layout does."""
    objects: dict[str, bytes] = {}
    for number, (entry, body) in enumerate(waveforms.items()):
        nslc = f"{entry.network}.{entry.station}.{entry.location}.{entry.channel}"
        key = KEYS[layout](nslc, entry.day) if layout in KEYS else f"odd/{number % 7}/{number}.x"
        objects[key] = objects.get(key, b"") + body  # EarthScope's hold all channels
    return objects


def as_version_3(body: bytes) -> bytes:
    """Rewrite miniSEED 2 as miniSEED 3."""
    with pymseed.MS3TraceList.from_buffer(body, unpack_data=True) as traces:
        return b"".join(traces.generate(format_version=3, max_record_length=512))


def write(root: Path, objects: Objects) -> str:
    for key, body in objects.items():
        path = root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return str(root)


def picked(campaign: Campaign) -> dict[str, list[str]]:
    """The ids of the picks of each station-day."""
    picker = OpenVinoPicker(Bundle.read(campaign.bundle))
    days = DayPicker(campaign, campaign.open_archive(), picker)
    found = {}
    for name in campaign.names[:PLACES]:
        for day in campaign.span.days():
            key = StationDay(name, day)
            result = days.pick(key)
            assert (result.status, result.reason) == (Status.DONE, "")
            table = picks_table(result.picks, campaign.run.digest, str(key))
            found[str(key)] = table["pick_id"].to_pylist()
    return found


@pytest.fixture(scope="module")
def expected(folder: Path) -> dict[str, list[str]]:
    """The picks from the SDS folder as it was written."""
    ids = picked(settled(folder, folder / "store"))
    assert len(ids) == 2 * PLACES
    assert sum(map(len, ids.values())) == 2 * PLACES * len(SECONDS)
    return ids


@pytest.fixture(params=LAYOUT_NAMES)
def layout(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def campaign_at(folder: Path, archive: str, layout: str) -> Campaign:
    return settled(folder, folder / "store", layout=layout, archive=archive)  # type: ignore[arg-type]


def test_in_a_folder(
    folder: Path, waveforms: Mapping[Entry, bytes], expected: object, layout: str, tmp_path: Path
) -> None:
    location = write(tmp_path, served(layout, waveforms))
    assert picked(campaign_at(folder, location, layout)) == expected


def test_in_a_bucket(
    folder: Path,
    waveforms: Mapping[Entry, bytes],
    expected: object,
    layout: str,
    s3_server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server.endpoint)
    location = s3_server.make(f"alike-{layout}", served(layout, waveforms))
    campaign = campaign_at(folder, location, layout)
    assert campaign.access == Access(endpoint=s3_server.endpoint)
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    assert picked(Campaign.model_validate_json(campaign.model_dump_json())) == expected


def test_in_miniseed_3(
    folder: Path, waveforms: Mapping[Entry, bytes], expected: object, layout: str, tmp_path: Path
) -> None:
    rewritten = {entry: as_version_3(body) for entry, body in waveforms.items()}
    assert all(body.startswith(b"MS\x03") for body in rewritten.values())
    location = write(tmp_path, served(layout, rewritten))
    assert picked(campaign_at(folder, location, layout)) == expected


@pytest.mark.parametrize("layout", ["ncedc", "scedc", "geonet", "sds"])
def test_where_names_tell_another_location_the_headers_count(
    folder: Path, waveforms: Mapping[Entry, bytes], expected: object, layout: str, tmp_path: Path
) -> None:
    lying = {replace(entry, location="10"): body for entry, body in waveforms.items()}
    location = write(tmp_path, served(layout, lying))
    assert picked(campaign_at(folder, location, layout)) == expected


def test_the_newest_version_is_picked(
    folder: Path, waveforms: Mapping[Entry, bytes], expected: object, tmp_path: Path
) -> None:
    objects = served("earthscope", waveforms)
    versions = {f"{key}#10": body for key, body in objects.items()}
    location = write(tmp_path, dict.fromkeys(objects, b"old") | versions)
    assert picked(campaign_at(folder, location, "earthscope")) == expected


def run(folder: Path, store: Path, archive: str, *more: str) -> int:
    given = arguments(folder, store, *more)
    given[given.index("--archive") + 1] = archive
    at = given.index("--layout")
    del given[at : at + 2]
    with pytest.raises(SystemExit) as left:
        main(["run", *given])
    return int(left.value.code or 0)


def test_the_whole_way_from_a_known_archive(
    folder: Path,
    waveforms: Mapping[Entry, bytes],
    expected: Mapping[str, list[str]],
    s3_server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    s3_server.make("ncedc-pds", served("ncedc", waveforms))
    # Known archives are read anonymously, whatever the environment holds.
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "KEY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "HIDDEN")
    store = tmp_path / "store"
    given = ("--archive-endpoint", s3_server.endpoint, "--workers", "1")
    assert run(folder, store, "ncedc", *given) == 0
    opened = open_store(str(store))
    entries = {entry.key: entry for entry in opened.ledger()}
    assert {entries[key].archive for key in expected} == {PUBLIC_ARCHIVES["ncedc"].location}
    assert [entries[key].n_picks for key in expected] == list(map(len, expected.values()))
    kept = b"".join(path.read_bytes() for path in store.rglob("*") if path.is_file())
    assert b"HIDDEN" not in kept


@pytest.mark.parametrize(
    ("archive", "endpoint", "words"),
    [
        ("ncedc", "http://127.0.0.1:1", "connection refused"),
        ("s3://scedc-pds", "http://127.0.0.1:1", "connection refused"),
        ("s3://nothing", None, "--layout is missing"),
        ("nothing", None, "--layout is missing"),
    ],
)
def test_what_cannot_be_had_is_one_message(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    archive: str,
    endpoint: str | None,
    words: str,
) -> None:
    more = ("--archive-endpoint", endpoint) if endpoint else ()
    assert run(folder, tmp_path / "store", archive, *more) == 2
    told = capsys.readouterr().err
    (line,) = (line for line in told.splitlines() if line.startswith("epicat: "))
    assert words in line
    assert told.endswith(f"{line}\n")
    assert not (tmp_path / "store").exists()


def test_a_bucket_that_is_missing_is_one_message(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], s3_server: Server
) -> None:
    more = ("--archive-endpoint", s3_server.endpoint, "--layout", "sds")
    assert run(folder, tmp_path / "store", "s3://no-such-bucket", *more) == 2
    assert "there is no such bucket (404 NoSuchBucket)" in capsys.readouterr().err
