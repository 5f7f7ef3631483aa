from __future__ import annotations

from pathlib import Path

import pytest

from epicat.archive.access import Access, resolve_access
from epicat.archive.layouts import LAYOUTS
from epicat.archive.registry import PUBLIC_ARCHIVES, find_public, layout_for, locate
from epicat.errors import InputError


@pytest.fixture(autouse=True)
def no_endpoint(no_aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no variable name a server: these tests ask none."""
    monkeypatch.delenv("AWS_ENDPOINT_URL")


def settled(archive: str, **given: object) -> Access:
    nothing = {"region": None, "endpoint": None, "signed": None}
    return resolve_access(archive, **{**nothing, **given})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", sorted(PUBLIC_ARCHIVES))
def test_a_known_archive_has_place_layout_and_region(name: str) -> None:
    known = PUBLIC_ARCHIVES[name]
    assert locate(name) == locate(known.location) == known.location
    assert find_public(name) == find_public(known.location + "/") == known
    assert layout_for(name, None) == layout_for(known.location, None) == known.layout
    assert known.layout in LAYOUTS
    assert layout_for(name, "files") == "files"
    assert settled(name) == settled(known.location) == Access(region=known.region)
    assert settled(name, region="eu-west-1").region == "eu-west-1"


def test_anything_else_stands_as_it_is_and_needs_a_layout() -> None:
    assert locate("/data/ncedc") == "/data/ncedc"
    for archive in ("/data/ncedc", "s3://ncedc-pds/mirror", "s3://mine"):
        assert layout_for(archive, "sds") == "sds"
        with pytest.raises(InputError, match=r"--layout is missing: .*ncedc, scedc\).*files, "):
            layout_for(archive, None)


def test_a_folder_with_a_known_name_is_doubtful(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ncedc").mkdir()
    with pytest.raises(InputError, match=r"\./ncedc for the folder, s3://ncedc-pds for the bucket"):
        locate("ncedc")
    assert locate("./ncedc") == "./ncedc"


def test_the_usual_variables_count(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settled("s3://mine") == Access("us-east-1", "", signed=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-2")
    assert settled("s3://mine").region == "eu-west-2"
    monkeypatch.setenv("AWS_REGION", "eu-west-3")
    assert settled("s3://mine").region == "eu-west-3"
    assert settled("s3://mine", region="eu-west-1").region == "eu-west-1"
    assert settled("ncedc").region == PUBLIC_ARCHIVES["ncedc"].region
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1/")
    assert settled("ncedc").endpoint == "http://127.0.0.1:1"
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:2")
    assert settled("s3://mine").endpoint == "http://127.0.0.1:2"
    assert settled("s3://mine", endpoint="https://x:9000/s3").endpoint == "https://x:9000/s3"


def test_requests_are_signed_where_that_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settled("s3://mine", signed=True).signed
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    assert not settled("s3://mine").signed
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "HIDDEN")
    assert settled("s3://mine").signed
    assert not settled("s3://mine", signed=False).signed
    assert not settled("ncedc").signed
    assert settled("ncedc", signed=True).signed
    assert "HIDDEN" not in repr(settled("s3://mine"))


@pytest.mark.parametrize(
    "endpoint", ["localhost:9000", "ftp://x", "https://key:HIDDEN@host", "https://h/?k=HIDDEN"]
)
def test_an_endpoint_is_a_url_without_secrets(endpoint: str) -> None:
    with pytest.raises(InputError, match="put credentials in environment") as caught:
        settled("s3://mine", endpoint=endpoint)
    assert "HIDDEN" not in str(caught.value)


@pytest.mark.parametrize("archive", ["s3://key:HIDDEN@mine/x", "s3://mine/x?k=HIDDEN"])
def test_a_location_that_has_no_layout_is_told_without_secrets(archive: str) -> None:
    with pytest.raises(InputError, match=r"--layout is missing: 's3://.*mine/x") as caught:
        layout_for(archive, None)
    assert "HIDDEN" not in str(caught.value)


def test_a_region_is_one() -> None:
    with pytest.raises(InputError, match="write it like us-east-2"):
        settled("s3://mine", region="us east 2")
