"""From one command to a catalog in a database; its password is AWS's to keep, and nobody's to see.

Jobs are real processes, AWS is on this machine, and so is the database, with users and TLS.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

import pytest

from awsbed import Image
from epicat.cli.app import main
from epicat.pipeline.jobs.submission import Submission
from epicat.store.base import Where
from epicat.store.open import open_store
from epicat.tables import TABLES
from support import s3
from support.mongo_server import ENCODED, PASSWORD
from support.network_fixtures import written_network
from support.tiny_network import arguments, truths

SRC = Path(__file__).resolve().parents[2] / "src"
BUCKET = "epicat-e2em-123456789012-us-west-2"
NAME = ("--name", "e2em")
IMAGE = "epicat:e2em"
EVENTS = truths([-100, -1.0, 60.5])


network = written_network(EVENTS, around_s=300)


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
    """Let processes of this machine stand for the image's containers."""
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
    """Return what the campaign's bucket holds, by name; manifests, which are packed, unpacked."""
    client = bed.client("s3")
    names = [found["Key"] for found in client.list_objects_v2(Bucket=BUCKET)["Contents"]]
    found = {name: client.get_object(Bucket=BUCKET, Key=name)["Body"].read() for name in names}
    for name in [name for name in names if name.endswith(".units")]:
        submission, array = Submission.from_manifest(f"s3://{BUCKET}/{name}")
        found[f"{name}, unpacked"] = repr(list(submission.units(array))).encode()
    return found


def lines_of_jobs(bed):
    client, group = bed.client("logs"), "/epicat-e2em"
    streams = client.describe_log_streams(logGroupName=group)["logStreams"]
    return [
        event["message"]
        for name in (stream["logStreamName"] for stream in streams)
        for event in client.get_log_events(logGroupName=group, logStreamName=name)["events"]
    ]


def documents(mongo):
    with mongo.client() as client:
        database = client["campaign"]
        return [repr(list(database[name].find())) for name in database.list_collection_names()]


@pytest.fixture
def call(epicat, caplog):
    """Give a function that runs a command, and keeps what it says and what it logs."""
    caplog.set_level(logging.DEBUG)
    # If it is told to debug, AWS's client logs what it sends; that is its own
    caplog.set_level(logging.INFO, "botocore")

    def run(*words, code=0):
        told = epicat(*words)
        run.report += [told.out, told.err]
        assert told.code == code, told.err
        return told

    run.report = []
    return run


def test_a_catalog_in_a_database_whose_password_nobody_sees(
    bed, call, role, mongo, network, archive, image, expected, monkeypatch, tmp_path, caplog
):
    url = mongo.url("campaign")
    bare = url.replace(f":{ENCODED}@", "@")
    up = ("cloud", "up", *NAME, "--image", IMAGE, "--service-role", role)
    call(*up)
    monkeypatch.setenv("EPICAT_STORE", url)
    refused = call("submit", *given(network, archive), code=2)
    assert "run `epicat cloud up --store env:EPICAT_STORE`" in refused.err
    call(*up, "--store", "env:EPICAT_STORE")
    monkeypatch.delenv("EPICAT_STORE")
    refused = call("submit", *given(network, archive, "--store", bare), code=2)
    assert "from EPICAT_STORE: set it here as well" in refused.err

    monkeypatch.setenv("EPICAT_STORE", url)
    told = call("submit", *given(network, archive, "--store", bare, "--json")).json
    assert [(job["name"], job["units"]) for job in told["jobs"]] == [
        ("pick-0000", 2), ("pick-0001", 2), ("associate-0000", 2),
    ]  # fmt: skip
    call("status", *NAME, "--watch", "--interval", 0.5)
    jobs = [bed.batch.jobs[job["id"]] for job in told["jobs"]]
    assert {job.status for job in jobs} == {"SUCCEEDED"}
    assert tables_of(url) == expected
    assert len(expected["events"]) == len(EVENTS)

    before = len(bed.batch.jobs)
    for words in (["submit", *given(network, archive)], ["retry", *NAME]):
        again = call(*words)
        assert again.out == ""
        assert "nothing to do" in again.err
    assert len(bed.batch.jobs) == before
    other = call("submit", *given(network, archive, "--collection", "other", "--dry-run"))
    assert "16 station-days in 4 units" in other.err
    call("logs", "associate-0000:1", *NAME)
    call("cost", *NAME)

    kept, lines = objects(bed), lines_of_jobs(bed)
    folder = told["submission"].removeprefix(f"s3://{BUCKET}/")
    store = json.loads(kept[f"{folder}/campaign.json"])["store"]
    assert store == told["store"] == f"{bare}#env:EPICAT_STORE"
    assert any("picks" in line for line in lines)
    call("cloud", "down", *NAME, "--yes", "--delete-data")

    assert [request.action for request in bed.asked if request.holds(PASSWORD)] == [
        "PutSecretValue"
    ]
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    texts = "\n".join([*lines, *call.report, *documents(mongo), caplog.text])
    assert any(b"EPICAT_STORE" in answer for answer in bed.answered)
    for secret in (PASSWORD, ENCODED):
        assert secret not in texts
        assert not any(secret.encode() in data for data in (*bed.answered, *kept.values(), *files))
