from __future__ import annotations

import os
from pathlib import Path

import pytest

from epicat.archive.objects import LocalFolder, StoredObject, without_secrets
from epicat.errors import ArchiveError, ObjectError


def put(root: Path, key: str, body: bytes = b"x") -> Path:
    path = root / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path


def keys(root: Path, prefix: str = "") -> list[str]:
    return sorted(item.key for item in LocalFolder(root).list(prefix))


def test_every_file_below_a_folder_is_listed_with_its_size(tmp_path: Path) -> None:
    put(tmp_path, "a/one", b"12345")
    put(tmp_path, "a/b/two")
    put(tmp_path, "c/three")
    assert keys(tmp_path) == ["a/b/two", "a/one", "c/three"]
    assert keys(tmp_path, "a/") == ["a/b/two", "a/one"]
    assert keys(tmp_path, "nowhere/") == []
    sizes = {item.key: item.size for item in LocalFolder(tmp_path).list("a/")}
    assert sizes == {"a/one": 5, "a/b/two": 1}


def test_an_example_is_in_a_folder_if_there_is_one(tmp_path: Path) -> None:
    assert LocalFolder(tmp_path).example() is None
    (tmp_path / "stations.csv").touch()
    assert LocalFolder(tmp_path).example() == "stations.csv"
    (tmp_path / "2020" / "XX").mkdir(parents=True)
    (tmp_path / "2020" / "XX" / "one").touch()
    assert LocalFolder(tmp_path).example() == "2020/XX/one"


def test_the_etag_changes_with_the_content(tmp_path: Path) -> None:
    path = put(tmp_path, "one", b"12345")
    (before,) = LocalFolder(tmp_path).list("")
    (again,) = LocalFolder(tmp_path).list("")
    assert before == again
    path.write_bytes(b"54321")
    os.utime(path, ns=(0, 123_456_789))
    (after,) = LocalFolder(tmp_path).list("")
    assert after.etag != before.etag


def test_a_broken_link_is_listed_and_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    source = LocalFolder(tmp_path)
    assert list(source.list("")) == [StoredObject("gone", 0, "unreadable")]
    with pytest.raises(ObjectError, match="gone: cannot be read: No such file"):
        source.read("gone")


def test_links_are_followed(tmp_path: Path) -> None:
    put(tmp_path / "elsewhere", "2019/one", b"body")
    archive = tmp_path / "archive"
    archive.mkdir()
    (archive / "2019").symlink_to(tmp_path / "elsewhere" / "2019")
    assert keys(archive) == ["2019/one"]
    assert LocalFolder(archive).read("2019/one") == b"body"
    (tmp_path / "linked").symlink_to(archive)
    assert keys(tmp_path / "linked") == ["2019/one"]


def test_a_link_that_leads_in_circles_is_not_followed(tmp_path: Path) -> None:
    put(tmp_path, "a/one")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "a" / "self").symlink_to(tmp_path / "a")
    (tmp_path / "a" / "across").symlink_to(tmp_path / "b")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "back").symlink_to(tmp_path / "a")
    assert keys(tmp_path) == ["a/one", "b/back/one"]


def test_what_is_no_file_cannot_be_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    source = LocalFolder(tmp_path)
    for key in ("pipe", "folder"):
        with pytest.raises(ObjectError, match=f"{key}: cannot be read"):
            source.read(key)


def test_a_name_that_is_no_utf8_is_told_and_harms_nothing(tmp_path: Path) -> None:
    put(tmp_path, "good")
    try:
        (tmp_path / os.fsdecode(b"b\xe4d")).write_bytes(b"x")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    source = LocalFolder(tmp_path)
    bad, good = sorted(source.list(""))
    assert good.key == "good"
    assert (bad.key.encode(), bad.etag) == (rb"b\udce4d", "unreadable")
    with pytest.raises(ObjectError):
        source.read(bad.key)


def test_what_is_no_folder_is_no_archive(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing", put(tmp_path, "file")):
        with pytest.raises(ArchiveError, match="is not a folder on this machine"):
            LocalFolder(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_told(tmp_path: Path) -> None:
    secret = put(tmp_path, "a/secret")
    secret.chmod(0)
    with pytest.raises(ObjectError, match="Permission denied"):
        LocalFolder(tmp_path).read("a/secret")
    (tmp_path / "a").chmod(0)
    try:
        with pytest.raises(ArchiveError, match="cannot be listed: Permission denied"):
            keys(tmp_path)
        with pytest.raises(ArchiveError, match="permission denied"):
            LocalFolder(tmp_path / "a")
    finally:
        (tmp_path / "a").chmod(0o700)


@pytest.mark.parametrize("name", ["..", "../", "../x/", "a/../../x", "/etc", "a\0b", "/"])
def test_nothing_above_the_folder_is_listed_or_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "secret").write_text("secret")
    (tmp_path / "archive").mkdir()
    source = LocalFolder(tmp_path / "archive")
    with pytest.raises(ArchiveError, match="has no folder"):
        list(source.list(name))
    with pytest.raises(ObjectError, match="the name leads out of the archive"):
        source.read(name)


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("/data/a?b@c", "/data/a?b@c"),
        ("s3://bucket/prefix", "s3://bucket/prefix"),
        ("s3://key:HIDDEN@bucket/prefix", "s3://...@bucket/prefix"),
        ("s3://bucket/prefix?secret=HIDDEN", "s3://bucket/prefix?..."),
        ("s3://key:HIDDEN@bucket/?secret=HIDDEN", "s3://...@bucket/?..."),
    ],
)
def test_a_location_is_told_without_what_may_be_secret(location: str, shown: str) -> None:
    assert without_secrets(location) == shown
