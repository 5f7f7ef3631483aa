"""What the tests share: where the real data is, and caches that are not the user's."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from epicat.pick.seisbench.package import is_installed
from support import mongo_server, s3

pytest_plugins = ["awsbed.fixtures"]

PROJECT = Path(__file__).resolve().parent.parent

settings.register_profile("dev", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


_SEISBENCH = "needs SeisBench and PyTorch, to compare with: `make seisbench` installs them"


def pytest_configure() -> None:
    """Fail where EPICAT_REQUIRE_SEISBENCH=1 asks for SeisBench and it is absent."""
    if os.environ.get("EPICAT_REQUIRE_SEISBENCH", "0") not in {"", "0"} and not is_installed():
        pytest.exit(f"EPICAT_REQUIRE_SEISBENCH is set: {_SEISBENCH}", returncode=4)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip the tests that compare with SeisBench where it is absent."""
    if item.get_closest_marker("seisbench") and not is_installed():
        pytest.skip(_SEISBENCH)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that asks for the real data, so that `-m "not realdata"` leaves it out."""
    for item in items:
        if "realdata" in getattr(item, "fixturenames", ()):
            item.add_marker("realdata")


@pytest.fixture(scope="session")
def realdata() -> Path:
    """Give the folder of real data; skip without it, or fail if EPICAT_REQUIRE_REALDATA=1."""
    given = os.environ.get("EPICAT_REALDATA")
    folder = Path(given).expanduser() if given else PROJECT.parent / "shared" / "data"
    if folder.is_dir():
        return folder.resolve()
    reason = f"no folder of real data at {folder} (EPICAT_REALDATA names another place)"
    if os.environ.get("EPICAT_REQUIRE_REALDATA", "0") not in {"", "0"}:
        pytest.fail(f"{reason}, and EPICAT_REQUIRE_REALDATA asks for it", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session", autouse=True)
def epicat_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep compiled models and tables of this session out of the user's cache."""
    folder = tmp_path_factory.mktemp("epicat-cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EPICAT_CACHE", str(folder))
        yield folder


@pytest.fixture(autouse=True)
def no_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the user's access to AWS out of the tests, and the tests away from AWS.

    What asks no server of a test's own finds nobody at home: port 9 of the loopback.
    """
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:9")


@pytest.fixture(autouse=True)
def no_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the user's own store out of the tests."""
    monkeypatch.delenv("EPICAT_STORE", raising=False)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[s3.Server]:
    """Give a real S3 server on the loopback."""
    with s3.serving() as server:
        yield server


@pytest.fixture(scope="session")
def mongo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[mongo_server.MongoServer]:
    """Give a MongoDB server on the loopback that wants a user, a password and TLS."""
    with mongo_server.serving(tmp_path_factory.mktemp("mongo")) as server:
        yield server


@pytest.fixture(scope="session")
def seisbench_cache(tmp_path_factory: pytest.TempPathFactory, realdata: Path) -> Iterator[Path]:
    """Give SeisBench a writable cache of its own that holds the real weights."""
    folder = tmp_path_factory.mktemp("seisbench-cache")
    # copyfile leaves the mode of the originals behind: they may be read-only
    for source in (realdata / "weights").rglob("*"):
        target = folder / source.relative_to(realdata / "weights")
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEISBENCH_CACHE_ROOT", str(folder))
        # SeisBench reads the variable once, when it is imported; a test may have done that
        if (seisbench := sys.modules.get("seisbench")) is not None:
            patch.setattr(seisbench, "cache_root", folder)
            patch.setattr(seisbench, "cache_model_root", folder / "models" / "v3")
        yield folder
