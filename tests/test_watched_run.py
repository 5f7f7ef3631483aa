"""What a whole campaign writes, whom it speaks to and what it starts, as Python itself tells."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.tiny_network import arguments, truths, write_network
from support.watching import Watched, watched

EVENTS = truths([-100, 60])
FORMATS = ("csv", "parquet", "quakeml", "fdsn-text", "nonlinloc", "hypodd")


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a campaign's archive, with objects of strange names in every folder of it."""
    folder = tmp_path_factory.mktemp("network")
    write_network(folder, EVENTS, around_s=200)
    folders = [p for p in (folder / "sds").rglob("*") if p.is_dir()]
    for place in folders:
        for name in ("..\\..\\x", "C:\\x", "$(touch x)", "-rf", "x" * 200, "a\nb", "é"):
            (place / name).write_bytes(b"\0" * 512)
    return folder


@pytest.fixture(scope="module")
def life(network: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Watched]:
    """Give what a campaign does from its run to its exports and figures, and where."""
    folder = tmp_path_factory.mktemp("life")
    store, made = folder / "store", folder / "made"
    made.mkdir()
    commands = [
        ["run", *arguments(network, store, "--workers", "2")],
        ["run", *arguments(network, store, "--workers", "1", "--recheck")],
        ["status", "--store", store],
        *(["export", "--store", store, "--format", f, "-o", made / f] for f in FORMATS),
        ["plot", "--store", store, "-o", made / "map.png"],
        ["query", "--store", store, "SELECT count(*) FROM picks"],
        ["compact", "--store", store],
        ["copy", "--from", store, "--to", folder / "copy"],
        ["models", "list"],
    ]
    return folder, watched(folder / "log", *commands)


def test_it_does_what_it_should(life: tuple[Path, Watched]) -> None:
    folder, done = life
    assert done.code == 0, done.err
    assert f"{len(EVENTS)} events" in done.err
    assert {p.name for p in (folder / "made").iterdir()} >= {*FORMATS, "map.png"}


def test_it_writes_to_its_own_folders_alone(
    life: tuple[Path, Watched], epicat_cache: Path, network: Path
) -> None:
    """`home` stands for the user's, where matplotlib keeps a list of fonts."""
    folder, done = life
    own = [folder / name for name in ("store", "copy", "made")]
    for place in (*own, epicat_cache):
        assert any(p.is_relative_to(place) for p in done.written), place
    fonts = [folder / "home" / name for name in (".cache", ".config", "tmp")]
    assert done.outside(*own, *fonts, epicat_cache) == set()
    # What libraries in C write is seen here only.
    assert {p.name for p in folder.iterdir()} == {"store", "copy", "made", "home", "log"}
    assert {p.name for p in (folder / "home").iterdir()} <= {".cache", ".config", "tmp"}
    assert list((folder / "home" / "tmp").iterdir()) == []
    assert {p.name for p in network.iterdir()} == {"sds", "stations.csv", "tiny.json", "tiny.pt"}


def test_it_speaks_to_nobody(life: tuple[Path, Watched]) -> None:
    assert life[1].network == ()


def test_it_starts_no_program_but_those_that_numpy_and_matplotlib_ask(
    life: tuple[Path, Watched],
) -> None:
    """For the kind of CPU, and for the fonts that there are; both without a shell."""
    started = {re.sub(r".*Popen \('([^']*)'.*", r"\1", line) for line in life[1].processes}
    assert started <= {"lscpu", "fc-list"}
