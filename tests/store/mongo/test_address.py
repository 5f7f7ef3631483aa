from __future__ import annotations

import os
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epicat.errors import InputError
from epicat.store.mongo.address import Address, masked, secured


@pytest.mark.parametrize(
    ("given_", "location", "shown"),
    [
        ("mongodb://h", "mongodb://h/tutorial", "mongodb://h/tutorial"),
        ("mongodb://h:1,g:2/mine?w=1", "mongodb://h:1,g:2/mine?w=1", "mongodb://h:1,g:2/mine"),
        (
            "mongodb://ana@h/mine#env:PW",
            "mongodb://ana@h/mine?authSource=mine#env:PW",
            "mongodb://ana@h/mine",
        ),
        (
            "mongodb+srv://ana@c.net/?appName=x#file:/run/pw",
            "mongodb+srv://ana@c.net/tutorial?appName=x&authSource=admin#file:/run/pw",
            "mongodb+srv://ana@c.net/tutorial",
        ),
        (
            "mongodb://h/admin?authSource=other",
            "mongodb://h/tutorial?authSource=other",
            "mongodb://h/tutorial",
        ),
    ],
)
def test_an_address_is_settled_once(given_, location, shown):
    assert secured(given_) == location
    assert secured(location) == location
    assert str(Address.parse(location)) == location
    assert Address.parse(location).shown == shown


def test_other_stores_stay_what_they_are():
    for text in ("folder", "/tmp/x", "s3://bucket/folder", "ftp://host/x", "./@folder"):
        assert secured(text) == text


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1))
def test_a_password_never_stays_in_the_location(password):
    uri = f"mongodb://ana:{quote(password, safe='')}@host/mine?tls=true"
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("EPICAT_STORE", raising=False)
        location = secured(uri)
        address = Address.parse(location)
        assert location == f"mongodb://ana@host/mine?tls=true&authSource=mine#{address.reference}"
        assert os.environ[address.reference.removeprefix("env:")] == uri
        expected = uri.replace("/mine?tls=true", "/?tls=true&authSource=mine")
        assert address.uri() == expected


def test_the_variable_of_the_user_is_referred_to(monkeypatch):
    monkeypatch.setenv("EPICAT_STORE", "mongodb://ana:secret@h/mine\n")
    assert secured(os.environ["EPICAT_STORE"]).endswith("?authSource=mine#env:EPICAT_STORE")
    other = secured("mongodb://ana@h/mine", "theirs")
    assert other == "mongodb://ana@h/theirs?authSource=mine#env:EPICAT_STORE"
    assert Address.parse(other).uri() == "mongodb://ana:secret@h/?authSource=mine"
    assert "#" not in secured("mongodb://bob@h/mine")
    assert "#" not in secured("mongodb://ana@elsewhere/mine")


def test_a_file_may_hold_the_address_or_the_password(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "whole").write_text("mongodb+srv://ana:p%40ss@c.net/?appName=x\n")
    location = secured("@whole")
    assert location == (
        f"mongodb+srv://ana@c.net/tutorial?appName=x&authSource=admin#file:{tmp_path}/whole"
    )
    expected = "mongodb+srv://ana:p%40ss@c.net/?appName=x&authSource=admin"
    assert Address.parse(location).uri() == expected
    (tmp_path / "password").write_text("p@ss\n")
    location = secured("mongodb+srv://ana@c.net/?appName=x#file:password")
    assert str(tmp_path / "password") in location
    assert Address.parse(location).uri() == expected
    (tmp_path / "folder").write_text("/data/store")
    assert secured("@folder") == "/data/store"


def test_other_secrets_stay_behind_too(monkeypatch):
    uri = "mongodb://h/x?authMechanism=MONGODB-X509&tlsCertificateKeyFilePassword=hidden"
    location = secured(uri)
    assert "hidden" not in location
    assert not Address.parse(location).needs_password
    assert Address.parse(location).uri() == (
        "mongodb://h/?authMechanism=MONGODB-X509&tlsCertificateKeyFilePassword=hidden"
    )


@pytest.mark.parametrize(
    "text",
    [
        "mongodb://ana:hid/den@host/x",
        "mongodb://ana:hid@den@host/x",
        "mongodb://ana:hid#den@host/x",
        "mongodb://ana:hid?den@host/x",
        "mongodb://ana:hid%zden@host/x",
        "mongodb://ana:hid:den@host/x",
        "mongodb://ana:hidden@",
        "mongodb://",
        "mongodb:///x",
    ],
)
def test_what_is_not_understood_is_not_repeated(text):
    with pytest.raises(InputError, match="%40") as told:
        secured(text)
    assert "hid" not in str(told.value)
    assert "den" not in str(told.value)


@pytest.mark.parametrize(
    ("location", "database", "words"),
    [
        ("mongodb://h", "a/b", "cannot be the name of a database"),
        ("mongodb://h", "", "cannot be the name"),
        ("mongodb://h", "x" * 64, "1 to 63 letters"),
        ("mongodb://h", "admin", "of the server's own"),
        ("folder", "../x", "use letters, digits"),
        ("s3://bucket/folder", "", "use letters, digits"),
    ],
)
def test_a_name_that_cannot_be_is_refused(location, database, words):
    with pytest.raises(InputError, match=words):
        secured(location, database)


def test_a_collection_is_a_folder_in_other_places(tmp_path):
    assert secured("results", "exercise") == "results/exercise"
    assert secured("s3://bucket/results/", "exercise") == "s3://bucket/results/exercise"
    (tmp_path / "store.json").touch()
    with pytest.raises(InputError, match="is a store itself"):
        secured(str(tmp_path), "exercise")


def test_a_missing_secret_is_told(tmp_path, monkeypatch):
    for reference, words in (
        ("", "no password for .*EPICAT_STORE.*@FILE"),
        ("#env:NO_SUCH", "environment variable NO_SUCH should have its password"),
        (f"#file:{tmp_path}/none", "none' cannot be read: No such file"),
    ):
        with pytest.raises(InputError, match=words):
            Address.parse(secured(f"mongodb://ana@h/x{reference}")).uri()
    monkeypatch.setenv("OTHER", "mongodb://ana:hidden@elsewhere/x")
    with pytest.raises(InputError, match="variable OTHER is for mongodb://ana@elsewhere") as told:
        Address.parse(secured("mongodb://ana@h/x#env:OTHER")).uri()
    assert "hidden" not in str(told.value)
    with pytest.raises(InputError, match="cannot be read"):
        secured(f"@{tmp_path}/none")


def test_texts_are_masked():
    uri = "mongodb://ana:p%40ss@h/?authMechanismProperties=AWS_SESSION_TOKEN:tok"
    assert masked("p%40ss p@ss AWS_SESSION_TOKEN:tok ana", uri) == "*** *** *** ana"
