"""Buckets: against moto's S3 server on the loopback, and against one that fails as told."""

from __future__ import annotations

import hashlib
import pickle
import time
from datetime import timedelta
from itertools import count

import numpy as np
import pytest

from epicat.archive.access import Access
from epicat.archive.archive import LayoutArchive, check_access, open_archive
from epicat.archive.header_index import IndexedArchive
from epicat.archive.layouts import LAYOUTS
from epicat.archive.s3 import Bucket
from epicat.errors import AccessError, ArchiveError, AwayError, InputError, ObjectError
from epicat.fs.retry import BRISK
from epicat.model import StationDay
from faults.proxy import Fault, Proxy
from support.layout_keys import KEYS, scedc_key
from support.s3 import Answer, Faulty, Server, body, listing, refusal
from support.waves import DAY, counts, mseed

NUMBERS = count()
NOBODY = "http://127.0.0.1:1"
DAY_SPAN = StationDay("", DAY).span


def name() -> str:
    return f"bucket-{next(NUMBERS)}"


def opened(server: Server, location: str, *, signed: bool = False, retries: int = 1) -> Bucket:
    return Bucket(location, Access(endpoint=server.endpoint, signed=signed), retries)


def keys(source: Bucket, prefix: str = "") -> list[str]:
    return sorted(item.key for item in source.list(prefix))


class TestServer:
    def test_objects_are_listed_below_a_folder_with_size_and_etag(self, s3_server: Server) -> None:
        objects = {"a/one": b"12345", "a/b/two": b"2", "ab/three": b"3"}
        source = opened(s3_server, s3_server.make(name(), objects))
        assert keys(source) == ["a/b/two", "a/one", "ab/three"]
        assert keys(source, "a/") == ["a/b/two", "a/one"]
        assert keys(source, "nowhere/") == []
        item = next(item for item in source.list("a/") if item.key == "a/one")
        assert (item.size, item.etag) == (5, hashlib.md5(b"12345").hexdigest())
        assert source.read("a/one") == b"12345"

    @pytest.mark.parametrize("prefix", ["", "/data"])
    def test_an_example_is_found_folder_by_folder(self, s3_server: Server, prefix: str) -> None:
        objects = {f"{prefix}/x/2020/one".lstrip("/"): b"1", f"{prefix}/y/two".lstrip("/"): b"2"}
        location = s3_server.make(name(), objects)
        assert opened(s3_server, location + prefix).example() == "x/2020/one"
        assert opened(s3_server, f"{location}/none").example() is None

    def test_names_start_below_the_prefix(self, s3_server: Server) -> None:
        objects = {"data/x/one": b"1", "data/xy/two": b"2", "three": b"3"}
        location = s3_server.make(name(), objects)
        for written in (f"{location}/data/x", f"{location}/data/x/"):
            source = opened(s3_server, written)
            assert source.location == f"{location}/data/x"
            assert keys(source) == ["one"]
            assert source.read("one") == b"1"

    @pytest.mark.parametrize(
        "key",
        ["x/ADO.CI.2019.187#2", "x/a b%41+\N{LATIN SMALL LETTER U WITH DIAERESIS}", "x/a%2Fb"],
    )
    def test_any_name_can_be_read(self, s3_server: Server, key: str) -> None:
        source = opened(s3_server, s3_server.make(name(), {key: b"body"}))
        assert keys(source, "x/") == [key]
        assert source.read(key) == b"body"

    def test_an_empty_object_that_stands_for_a_folder_is_none(self, s3_server: Server) -> None:
        location = s3_server.make(name(), {"a/": b"", "a/one": b"1", "a/two": b""})
        assert keys(opened(s3_server, location)) == ["a/one", "a/two"]
        assert keys(opened(s3_server, f"{location}/a")) == ["one", "two"]

    def test_a_name_that_obstore_cannot_have_is_told(self, s3_server: Server) -> None:
        source = opened(s3_server, s3_server.make(name(), {"a//b": b"1"}))
        with pytest.raises(ArchiveError, match=r'cannot be listed: .*invalid path.*"a//b"'):
            keys(source)

    def test_more_keys_than_a_page_has(self, s3_server: Server) -> None:
        stations = [f"S{n:04d}" for n in range(1200)]
        names = [scedc_key(f"XX.{sta}..HHZ", DAY) for sta in stations]
        other = scedc_key("XX.S0001..HHZ", DAY + timedelta(days=1))
        location = s3_server.make_large(name(), [*names, other])
        archive = open_archive(location, "scedc", Access(endpoint=s3_server.endpoint))
        for sta in (stations[0], stations[-1]):
            (item,) = archive.objects("XX", sta, DAY_SPAN)
            assert item.key == scedc_key(f"XX.{sta}..HHZ", DAY)
        assert isinstance(archive, LayoutArchive)
        assert len(keys(opened(s3_server, location), LAYOUTS["scedc"].prefix("", "", DAY))) == 1200

    def test_large_objects_come_whole_and_a_few_at_once(self, s3_server: Server) -> None:
        rng = np.random.default_rng(1)
        bodies = {
            KEYS["ncedc"](f"XX.AAA..HH{letter}", DAY): rng.bytes(20_000_000) for letter in "ZNE"
        }
        location = s3_server.make(name(), bodies)
        archive = open_archive(location, "ncedc", Access(endpoint=s3_server.endpoint))
        items = archive.objects("XX", "AAA", DAY_SPAN)
        archive.prefetch(items)
        assert {item.key: archive.read(item) for item in items} == bodies

    def test_what_is_gone_is_told(self, s3_server: Server) -> None:
        source = opened(s3_server, s3_server.make(name(), {"one": b"1"}))
        with pytest.raises(ObjectError, match="there is no such object") as caught:
            source.read("two")
        assert (caught.value.key, "404" in caught.value.reason) == ("two", True)

    def test_a_bucket_that_does_not_exist_is_told(self, s3_server: Server) -> None:
        source = opened(s3_server, "s3://no-such-bucket/data")
        with pytest.raises(ArchiveError, match=r"'s3://no-such-bucket/data/x/' .*no such bucket"):
            keys(source, "x/")
        with pytest.raises(AwayError, match="cannot be read: there is no such bucket"):
            source.read("one")

    def test_what_is_not_public_needs_credentials(
        self, s3_server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        location = s3_server.make(name(), {"one": b"1"}, public=False)
        with pytest.raises(ObjectError, match=r"access is denied \(403 Forbidden\)"):
            opened(s3_server, location).read("one")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "owner")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "HIDDEN")
        with pytest.raises(ObjectError):
            opened(s3_server, location).read("one")
        source = opened(s3_server, location, signed=True)
        assert source.read("one") == b"1"
        assert "HIDDEN" not in repr(source) + repr(vars(source))

    def test_any_miniseed_is_found_by_its_headers(self, s3_server: Server) -> None:
        objects = {
            "x/one": mseed(counts(500), nslc="XX.AAA.00.HHZ"),
            "y/two": mseed(counts(500), nslc="XX.AAA.00.HHN", version=3),
            "y/three": mseed(counts(500), nslc="XX.BBB..HHZ"),
            "y/bad": b"no miniSEED",
        }
        location = s3_server.make(name(), objects)
        archive = open_archive(location, "files", Access(endpoint=s3_server.endpoint))
        assert isinstance(archive, IndexedArchive)
        items = archive.objects("XX", "AAA", DAY_SPAN)
        assert [item.key for item in items] == ["x/one", "y/two"]
        archive.prefetch(items)
        assert [archive.read(item) for item in items] == [objects["x/one"], objects["y/two"]]
        (reason,) = archive.unreadable().values()
        assert reason == "not miniSEED, 11 bytes: it is text that starts with 'no miniSEED'"
        again = open_archive(location, "files", Access(endpoint=s3_server.endpoint))
        assert again.objects("XX", "AAA", DAY_SPAN) == items


def always(answer: Answer) -> Faulty:
    return Faulty(lambda number, asked: answer)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EPICAT_STALL", "0.3")
    monkeypatch.setenv("EPICAT_PATIENCE", "0.8")


class TestFaults:
    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            (refusal(503, "SlowDown"), r"too busy or failing \(503 SlowDown, after 1 retries\)"),
            ((429, {}, b""), r"\(429 Too Many Requests, after 1 retries\)"),
            (refusal(500, "InternalError"), r"\(500 InternalError, after 1 retries\)"),
            (refusal(400, "Odd", "who are you?"), r"the server says 400 Odd: who are you\?"),
        ],
    )
    def test_what_a_server_says_is_told(self, answer: Answer, words: str) -> None:
        faulty = always(answer)
        with faulty.serving() as endpoint:
            source = Bucket("s3://busy", Access(endpoint=endpoint), 1)
            with pytest.raises(ArchiveError, match=words) as listed:
                keys(source, "x/")
            with pytest.raises(ObjectError, match=words):
                source.read("x/one")
        assert "=SECRET" not in str(listed.value)
        assert not isinstance(listed.value, AccessError)
        assert len(faulty.asked) == (2 if "400" in words else 4)

    def test_a_server_that_was_busy_is_asked_again(self) -> None:
        def answer(number: int, asked: str) -> Answer:
            good = listing("x/one") if "list-type" in asked else body(b"1")
            return good if number % 3 == 0 else refusal(503, "SlowDown")

        with Faulty(answer).serving() as endpoint:
            source = Bucket("s3://busy", Access(endpoint=endpoint), 3)
            assert keys(source, "x/") == ["x/one"]
            assert source.read("x/one") == b"1"

    @pytest.mark.parametrize("answer", [refusal(403, "AccessDenied"), (401, {}, b"")])
    def test_a_refusal_is_told_at_once_with_what_to_do(self, answer: Answer) -> None:
        faulty = always(answer)
        with faulty.serving() as endpoint:
            source = Bucket("s3://closed", Access(endpoint=endpoint))
            with pytest.raises(AccessError, match=r"anonymous: .*AWS_ACCESS_KEY_ID") as caught:
                keys(source, "x/")
            assert "=SECRET" not in str(caught.value)
            with pytest.raises(ObjectError, match="access is denied"):
                source.read("x/one")
        assert len(faulty.asked) == 2
        assert not any("Authorization" in headers for headers in faulty.headers)

    def test_credentials_sign_and_are_not_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "KEY")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "HIDDEN")
        monkeypatch.setenv("AWS_SESSION_TOKEN", "TOKEN")
        faulty = always(refusal(403, "SignatureDoesNotMatch"))
        with faulty.serving() as endpoint:
            source = Bucket("s3://closed", Access("eu-west-1", endpoint, signed=True))
            with pytest.raises(AccessError, match="credentials of the environment") as caught:
                keys(source)
        (headers,) = ({k.lower(): v for k, v in h.items()} for h in faulty.headers)
        assert "Credential=KEY/" in headers["authorization"]
        assert "/eu-west-1/s3/" in headers["authorization"]
        assert headers["x-amz-security-token"] == "TOKEN"
        assert not any(word in str(caught.value) for word in ("HIDDEN", "TOKEN", "KEY/"))

    def test_a_body_that_breaks_off_is_asked_for_again(self) -> None:
        whole = b"x" * 10_000

        def answer(number: int, asked: str) -> Answer:
            return body(whole if number > 2 else whole[:5000], **{"Content-Length": "10000"})

        with Faulty(answer).serving() as endpoint:
            assert Bucket("s3://torn", Access(endpoint=endpoint)).read("one") == whole

    def test_half_an_object_that_looks_whole_is_asked_for_again(self) -> None:
        answers = [body(b"12"), body(b"1234"), body(b"1234")]
        faulty = Faulty(lambda number, asked: answers[number - 1])
        with faulty.serving() as endpoint:
            assert Bucket("s3://torn", Access(endpoint=endpoint)).read("one", 4) == b"1234"
        assert [asked.split()[0] for asked in faulty.asked] == ["GET", "HEAD", "GET"]

    def test_an_object_that_has_grown_since_is_whole(self) -> None:
        with always(body(b"123456")).serving() as endpoint:
            assert Bucket("s3://new", Access(endpoint=endpoint)).read("one", 4) == b"123456"

    @pytest.mark.usefixtures("impatient")
    def test_a_connection_that_is_cut_is_the_trouble_of_one(self) -> None:
        with always(body(b"")).serving() as upstream:
            proxy = Proxy(upstream, lambda request: Fault.RESET)
            with proxy.serving() as endpoint, pytest.raises(ObjectError, match="no connection"):
                Bucket("s3://cut", Access(endpoint=endpoint)).read("one")
        assert proxy.asked > 2

    def test_expired_credentials_are_the_trouble_of_all(self) -> None:
        with always(refusal(400, "ExpiredToken")).serving() as endpoint:
            source = Bucket("s3://old", Access(endpoint=endpoint))
            with pytest.raises(AwayError, match="cannot be read: the credentials have expired"):
                source.read("one")
            with pytest.raises(AwayError, match=r"listed: .* have expired .*; renew those of"):
                keys(source)

    @pytest.mark.usefixtures("impatient")
    def test_a_server_that_failed_for_long_is_asked_briskly_until_it_answers(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("EPICAT_PATIENCE", "3")

        def answer(number: int, asked: str) -> Answer:
            return body(b"1") if asked.endswith("good") else refusal(500, "InternalError")

        faulty = Faulty(answer)
        with faulty.serving() as endpoint:
            source = Bucket("s3://bad", Access(endpoint=endpoint))
            for key in ("one", "two", "three"):
                with pytest.raises(ObjectError, match="500 InternalError") as caught:
                    source.read(key)
                assert caught.value.may_pass
            tries = [sum(a.endswith(key) for a in faulty.asked) for key in ("one", "two", "three")]
            assert tries[0] > 3
            assert tries[1:] == [1 + BRISK] * 2
            assert source.read("good") == b"1"
            with pytest.raises(ObjectError):
                source.read("four")
        assert sum(a.endswith("four") for a in faulty.asked) > 3

    @pytest.mark.usefixtures("impatient")
    def test_a_body_that_always_breaks_off_is_told(self) -> None:
        faulty = always(body(b"x" * 5000, **{"Content-Length": "10000"}))
        with faulty.serving() as endpoint:
            source = Bucket("s3://torn", Access(endpoint=endpoint))
            with pytest.raises(ObjectError, match="the answer broke off"):
                source.read("one")
        assert len(faulty.asked) <= 6

    @pytest.mark.usefixtures("impatient")
    @pytest.mark.parametrize("answer", [(200, {}, b"<html>"), (200, {}, b"")])
    def test_a_listing_that_is_none_is_told(self, answer: Answer) -> None:
        with always(answer).serving() as endpoint:
            source = Bucket("s3://odd", Access(endpoint=endpoint))
            with pytest.raises(ArchiveError, match="made no sense"):
                keys(source)

    @pytest.mark.usefixtures("impatient")
    def test_a_listing_that_breaks_off_is_never_a_short_one(self) -> None:
        status, headers, text = listing("x/one", "x/two")
        torn = (status, {**headers, "Content-Length": str(len(text))}, text[:-60])

        def answer(number: int, asked: str) -> Answer:
            return torn if number == 1 else listing("x/one", "x/two")

        with Faulty(answer).serving() as endpoint:
            source = Bucket("s3://torn", Access(endpoint=endpoint))
            assert keys(source, "x/") == ["x/one", "x/two"]
        with always(torn).serving() as endpoint, pytest.raises(ArchiveError, match="broke off"):
            keys(Bucket("s3://torn", Access(endpoint=endpoint)), "x/")

    @pytest.mark.usefixtures("impatient")
    def test_a_server_that_does_not_answer_in_time_is_told(self) -> None:
        def answer(number: int, asked: str) -> Answer:
            time.sleep(0.6)
            return listing("x/one")

        with Faulty(answer).serving() as endpoint:
            source = Bucket("s3://slow", Access(endpoint=endpoint), 1)
            with pytest.raises(ArchiveError, match=r"no answer in time, after 1 retries; server: "):
                keys(source)
            with pytest.raises(ObjectError, match="no answer in time"):
                source.read("one")

    @pytest.mark.parametrize(
        ("endpoint", "words"),
        [(NOBODY, "connection refused"), ("http://nobody.invalid", "no host of this name")],
    )
    def test_a_server_that_is_not_there_is_told_in_seconds(self, endpoint: str, words: str) -> None:
        source = Bucket("s3://any", Access(endpoint=endpoint), BRISK)
        begin = time.monotonic()
        with pytest.raises(ArchiveError, match=f"{words}, after 2 retries; server: {endpoint}"):
            keys(source)
        assert time.monotonic() - begin < 8

    def test_a_bucket_in_another_region_is_followed(self) -> None:
        moved = (301, {"x-amz-bucket-region": "eu-north-1"}, b"")

        def answer(number: int, asked: str) -> Answer:
            return moved if number <= 2 else listing("x/one")

        faulty = Faulty(answer)
        with faulty.serving() as endpoint:
            assert keys(Bucket("s3://moved", Access(endpoint=endpoint)), "x/") == ["x/one"]
        assert faulty.asked[1] == "HEAD /moved"
        with always(moved).serving() as endpoint:
            source = Bucket("s3://moved", Access(endpoint=endpoint))
            with pytest.raises(ArchiveError, match=r"another region, not in eu-north-1: give"):
                keys(source, "x/")


def test_an_archive_that_refuses_some_networks_is_still_one() -> None:
    def answer(number: int, asked: str) -> Answer:
        return listing() if "%2FYY%2F" in asked else refusal(403, "AccessDenied")

    with Faulty(answer).serving() as endpoint:
        archive = open_archive("s3://part", "earthscope", Access(endpoint=endpoint))
        check_access(archive, [("XX", "AAA"), ("XX", "BBB"), ("YY", "AAA")], DAY_SPAN)
        with pytest.raises(AccessError, match=r"miniseed/[XZ]{2}/2019/172/"):
            check_access(archive, [("XX", "AAA"), ("ZZ", "AAA")], DAY_SPAN)


@pytest.mark.parametrize(
    "location", ["s3://", "s3://ab", "s3:///x", "gs://bucket", "s3://key:HIDDEN@bucket/x"]
)
def test_what_is_no_bucket_is_told_without_secrets(location: str) -> None:
    with pytest.raises(InputError, match="write s3://BUCKET/PREFIX") as caught:
        Bucket(location, Access())
    assert "HIDDEN" not in str(caught.value)


def test_access_is_plain_data() -> None:
    access = Access("eu-west-1", "http://127.0.0.1", signed=True)
    assert pickle.loads(pickle.dumps(access)) == access
