"""From one command to a catalog in a database; its password is AWS's to keep, and nobody's to see.

Jobs are real processes, AWS is on this machine, and so is the database, with users and TLS.
"""

from __future__ import annotations

import io
import json
import logging
import sys
import zipfile
import zlib
from pathlib import Path

import pytest

import s3
from awsbed import Image
from epicat.cli.app import main
from epicat.store.interface import Where
from epicat.store.open import open_store
from epicat.tables import TABLES
from mongo_server import ENCODED, PASSWORD, READER, READER_PASSWORD
from tiny_network import arguments, truths, write_network

SRC = Path(__file__).resolve().parents[2] / "src"
BUCKET = "epicat-e2em-123456789012-us-west-2"
NAME = ("--name", "e2em")
IMAGE = "epicat:e2em"
EVENTS = truths([-100, -1.0, 60.5])


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    folder = tmp_path_factory.mktemp("network")
    write_network(folder, EVENTS, around_s=300)
    return folder


@pytest.fixture(scope="module")
def expected(network, epicat_cache):
    """Make the catalog on this machine, in a folder."""
    with pytest.raises(SystemExit) as left:
        main(["run", *arguments(network, network / "store"), "--workers", "1"])
    assert left.value.code == 0
    return tables_of(str(network / "store"))


@pytest.fixture
def archive(bed, network):
    """Put the waveforms into a public bucket of somebody else's."""
    files = {
        f"sds/{path.relative_to(network / 'sds').as_posix()}": path.read_bytes()
        for path in (network / "sds").rglob("*") if path.is_file()
    }  # fmt: skip
    place = s3.Server(bed.endpoint, bed.client("s3", "us-east-1")).make("others-waveforms", files)
    return f"{place}/sds"


@pytest.fixture
def image(bed, tmp_path):
    """Stand for the image; whoever is here has a variable of that name, and workers have not."""
    variables = {
        **bed.variables(), "PYTHONPATH": str(SRC), "EPICAT_CACHE": str(tmp_path / "cache"),
    }  # fmt: skip
    bed.batch.images[IMAGE] = Image([sys.executable, "-m", "epicat"], variables)


def tables_of(store):
    opened = open_store(store)
    return {table: opened.read(table, Where()) for table in TABLES}


def given(network, archive, *more):
    words = arguments(network, network / "store")
    words[words.index("--archive") + 1] = archive
    at = words.index("--store")
    return [*words[:at], *words[at + 2 :], *NAME, "--stations-per-unit", "4", "--window-days", "1",
            *more]  # fmt: skip


def objects(bed):
    """Return what the campaign's bucket holds, with what is packed unpacked as well."""
    client = bed.client("s3")
    listed = client.list_objects_v2(Bucket=BUCKET)["Contents"]
    for name in (found["Key"] for found in listed):
        yield name, name.encode()
        data = client.get_object(Bucket=BUCKET, Key=name)["Body"].read()
        yield name, data
        if zipfile.is_zipfile(io.BytesIO(data)):
            with zipfile.ZipFile(io.BytesIO(data)) as packed:
                yield from ((name, packed.read(member)) for member in packed.namelist())
        if data[:2] == b"\x1f\x8b":
            yield name, zlib.decompress(data, wbits=31)


def logs(bed):
    """Return every line of every job."""
    client = bed.client("logs")
    group = "/epicat-e2em"
    streams = client.describe_log_streams(logGroupName=group)["logStreams"]
    return [
        event["message"]
        for stream in streams
        for event in client.get_log_events(
            logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True
        )["events"]
    ]


def test_a_catalog_in_a_database_and_its_password_nowhere(
    bed, epicat, role, mongo, network, archive, image, expected, monkeypatch, tmp_path, caplog
):
    caplog.set_level(logging.DEBUG)
    url = mongo.url("campaign")
    bare = url.replace(f":{ENCODED}@", "@")
    talk = []

    def call(*words, code=0):
        told = epicat(*words)
        talk.append(told.out + told.err)
        assert told.code == code, told.err
        return told

    up = ("cloud", "up", *NAME, "--image", IMAGE, "--service-role", role)
    call(*up)
    monkeypatch.setenv("EPICAT_STORE", url)
    refused = call("submit", *given(network, archive), code=2)
    assert "`epicat cloud up --store env:EPICAT_STORE` hands it to them" in refused.err
    call(*up, "--store", "env:EPICAT_STORE")

    told = call("submit", *given(network, archive, "--store", bare, "--json")).json
    assert [(job["name"], job["units"]) for job in told["jobs"]] == [
        ("pick-0000", 2), ("pick-0001", 2), ("associate-0000", 1), ("associate-0001", 1),
    ]  # fmt: skip
    assert told["store"].startswith("mongodb://ana@127.0.0.1:")
    call("status", *NAME, "--watch", "--every", 0.5)
    assert {job.status for job in bed.batch.jobs.values()} == {"SUCCEEDED"}
    assert tables_of(url) == expected
    assert len(expected["events"]) == len(EVENTS)

    before = len(bed.batch.jobs)
    for words in (["submit", *given(network, archive)], ["retry", *NAME]):
        again = call(*words)
        assert again.out == ""
        assert "nothing to do" in again.err
    assert len(bed.batch.jobs) == before
    call("logs", "pick-0000:1", *NAME)
    call("logs", "associate-0000", *NAME)
    call("cost", *NAME)

    kept = list(objects(bed))
    campaigns = [json.loads(data) for name, data in kept if name.endswith("campaign.json") and data[:1] == b"{"]
    assert {campaign["store"].rpartition("#")[2] for campaign in campaigns} == {"env:EPICAT_STORE"}
    lines = logs(bed)
    print(len(kept), sorted({n for n, _ in kept}), len(lines), lines[:5], len(bed.asked))
    assert any("picks" in line for line in lines)
    with_it = [request.action for request in bed.asked if request.holds(PASSWORD)]
    assert with_it == ["PutSecretValue"]
    for secret in (PASSWORD, ENCODED):
        assert not any(secret.encode() in answer for answer in bed.answered)
        assert not [name for name, data in kept if secret.encode() in data]
        assert not any(secret in text for text in (*lines, *talk, caplog.text))
        assert not any(secret.encode() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    call("cloud", "down", *NAME, "--yes", "--delete-data")
