"""From one command to a catalog in the cloud; jobs are real processes, AWS is on this machine.

The network is `tiny_network`'s, in a public bucket of somebody else's.  Whatever happens to the
jobs, the catalog is that of ``epicat run`` on the same archive, id for id.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from awsbed import Image
from awsbed.server import ACCESS, SECRET
from epicat.cli import job_status
from epicat.cli.app import main
from epicat.ledger import Status
from epicat.store.base import Where
from epicat.store.open import open_store
from epicat.tables import TABLES
from support import s3
from support.network_fixtures import written_network
from support.tiny_network import arguments, truths

SRC = Path(__file__).resolve().parents[2] / "src"
ARCHIVE = "s3://public-waveforms/sds"
PLACE = "s3://epicat-e2e-123456789012-us-west-2/"
NAME = ("--name", "e2e")
URI = "mongodb+srv://epicat:hunter2@cluster0.example.net/epicat"

# Kills the process that works, as a machine without memory does, in the jobs that it is told.
WORKER = """
from epicat.cli.app import main
main()
"""
SITE = """
import json, os, signal, sys
from pathlib import Path
if "--multiprocessing-fork" in sys.orig_argv:  # a process of a pool, before it does anything
    words = Path(f"/proc/{os.getppid()}/cmdline").read_bytes().decode().split(chr(0))
    faults = json.loads((Path(__file__).parent / "faults.json").read_text())
    array = Path(words[words.index("--plan") + 1]).stem if "--plan" in words else ""
    index = os.environ.get("AWS_BATCH_JOB_ARRAY_INDEX", "0")
    if int(os.environ.get("AWS_BATCH_JOB_ATTEMPT", "0")) in faults.get(f"{array}:{index}", []):
        os.kill(os.getpid(), signal.SIGKILL)
"""


network = written_network(truths([-300, -1.0, 60.5]))


@pytest.fixture(scope="module")
def expected(network, epicat_cache):
    """Make the catalog on this machine."""
    with pytest.raises(SystemExit) as left:
        main(["run", *arguments(network, network / "store"), "--workers", "1"])
    assert left.value.code == 0
    return tables_of(str(network / "store"))


@pytest.fixture(scope="module")
def container(tmp_path_factory):
    """Give the folder of what stands for the image."""
    folder = tmp_path_factory.mktemp("container")
    (folder / "worker.py").write_text(WORKER)
    (folder / "sitecustomize.py").write_text(SITE)
    (folder / "faults.json").write_text("{}")
    return folder


@pytest.fixture
def stack(bed, epicat, role, network, container, monkeypatch):
    """Give the outputs of the stack, made for the first test; the archive is there."""
    variables = {
        **bed.variables(), "PYTHONPATH": f"{container}:{SRC}",
        "EPICAT_CACHE": str(container / "cache"),
    }  # fmt: skip
    monkeypatch.setenv("MY_STORE", URI)
    command = [sys.executable, str(container / "worker.py")]
    bed.batch.images["epicat:e2e"] = Image(command, variables)
    (container / "faults.json").write_text("{}")
    up = epicat(
        "cloud", "up", *NAME, "--image", "epicat:e2e", "--service-role", role, "--store",
        "env:MY_STORE", "--json",
    )  # fmt: skip
    assert up.code == 0, up.err
    if up.json["change"] == "created":
        files = {
            f"sds/{path.relative_to(network / 'sds').as_posix()}": path.read_bytes()
            for path in (network / "sds").rglob("*") if path.is_file()
        }  # fmt: skip
        s3.Server(bed.endpoint, bed.client("s3", "us-east-1")).make("public-waveforms", files)
    return up.json["outputs"]


def tables_of(store):
    opened = open_store(store)
    return {table: opened.read(table, Where()) for table in TABLES}


def given(network, *more):
    """Return what ``epicat submit`` takes: small units, so that there are arrays of several.

    Two blocks of a day are associated without the other day, and two with both.
    """
    words = arguments(network, network / "store")
    words[words.index("--archive") + 1] = ARCHIVE
    at = words.index("--store")
    return [*words[:at], *words[at + 2 :], *NAME, "--stations-per-unit", "4", "--window-days", "1",
            "--blocks-per-unit", "1", *more]  # fmt: skip


def attempts_of(bed, submitted, name):
    """Return the attempts of an array's children."""
    (job,) = [job for job in submitted["jobs"] if job["name"] == name]
    ids = [f"{job['id']}:{index}" for index in range(job["units"])]
    found = bed.client("batch").describe_jobs(jobs=ids)["jobs"]
    return [len(child["attempts"]) for child in found]


def test_a_catalog_from_one_command(bed, epicat, stack, network, expected, monkeypatch, tmp_path):
    """With a profile's credentials, which nothing but AWS's own client knows."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        monkeypatch.delenv(name)
    (tmp_path / "credentials").write_text(
        f"[seis]\naws_access_key_id={ACCESS}\naws_secret_access_key={SECRET}\nregion=us-west-2\n"
    )
    profile = ("--profile", "seis")
    submitted = epicat("submit", *given(network, *profile, "--json"))
    assert submitted.code == 0, submitted.err
    assert "EPICAT_STORE is not set here: results go to the bucket" in submitted.err
    assert "AWS_ACCESS_KEY_ID" not in os.environ, "credentials are exported temporarily"
    told = submitted.json
    assert [(job["name"], job["units"], job["keys"]) for job in told["jobs"]] == [
        ("pick-0000", 2, 8), ("associate-0000", 2, 2), ("pick-0001", 2, 8),
        ("associate-0001", 4, 4), ("associate-0002", 2, 2),
    ]  # fmt: skip
    assert told["store"] == f"{PLACE}store"
    refused = epicat("submit", *given(network, *profile))
    assert refused.code == 2
    assert "active jobs, whose work would be done twice" in refused.err
    bed.batch.finish()

    jobs = {job["name"]: bed.batch.jobs[job["id"]] for job in told["jobs"]}
    assert {job.status for job in jobs.values()} == {"SUCCEEDED"}
    for associate, needs in enumerate([(0,), (0, 1), (1,)]):
        array = jobs[f"associate-{associate:04d}"]
        assert {child.status for child in array.children} == {"SUCCEEDED"}
        begun = min(child.started for child in array.children)
        assert all(jobs[f"pick-{at:04d}"].stopped <= begun for at in needs)
    assert jobs["associate-0000"].request["tags"]["epicat:stack"] == "epicat-e2e"
    for name, value in bed.variables().items():
        monkeypatch.setenv(name, value)
    assert tables_of(told["store"]) == expected

    asked, before = len(bed.asked), len(bed.batch.jobs)
    again = epicat("submit", *given(network))
    assert (again.code, again.out) == (0, "")
    assert "nothing to do" in again.err
    assert not any(request.line.startswith("PUT") for request in bed.asked[asked:])
    assert len(bed.batch.jobs) == before
    check_secret(bed)


def test_whatever_happens_to_the_jobs_the_catalog_is_the_same(
    bed, epicat, stack, network, expected, container, monkeypatch
):
    (container / "faults.json").write_text(
        json.dumps({"pick-0000:0": [1, 2], "pick-0001:1": [1, 2, 3], "associate-0001:2": [1]})
    )
    store = f"{PLACE}other"
    submitted = epicat("submit", *given(network, "--store", store, "--json"))
    assert submitted.code == 0, submitted.err
    jobs = {job["name"]: job["id"] for job in submitted.json["jobs"]}
    bed.batch.until(lambda: "attempt 1 of 3" in epicat("logs", "pick-0000:1", *NAME).out)
    bed.batch.interrupt(f"{jobs['pick-0000']}:1")

    watched = epicat("status", *NAME, "--watch", "--interval", 0.5, "--json")
    assert watched.code == 1
    assert "`epicat retry` retries it" in watched.err
    told = watched.json
    assert told["is_over"]
    assert [(job["name"], job.get("done"), job.get("failed")) for job in told["jobs"]] == [
        ("pick-0000", 2, None), ("associate-0000", 2, None), ("pick-0001", 2, None),
        ("associate-0001", 4, None), ("associate-0002", 2, None),
    ]  # fmt: skip
    # What always failed is recorded, and association went on without it
    ledger = [e for e in open_store(store).ledger() if e.status == Status.FAILED]
    assert [e.key for e in ledger] == [f"XX.ST0{at}/2020.002" for at in range(4, 8)], ledger
    assert (told["station_days"], told["failed"], told["blocks"]) == (16, 4, 8)
    assert 0 < told["picks"] < len(expected["picks"])
    assert told["dollars"] > 0
    assert attempts_of(bed, submitted.json, "pick-0000") == [3, 2]
    assert attempts_of(bed, submitted.json, "pick-0001") == [1, 3]
    assert attempts_of(bed, submitted.json, "associate-0001") == [1, 1, 2, 1]

    logs = epicat("logs", ledger[0].key, *NAME)
    assert "pick-0001:1 of " in logs.err
    assert "attempt 3: exit code 0" in logs.err
    assert [line for line in logs.out.splitlines() if "failed: " in line]
    cost = epicat("cost", *NAME, "--json").json["submissions"]
    assert [(c["stage"], c["jobs"], c["attempts"], c["forgotten"]) for c in cost[-2:]] == [
        ("pick", 4, 9, 0), ("associate", 8, 9, 0),
    ]  # fmt: skip
    assert all(line["vcpu_seconds"] > 0 for line in cost)

    (container / "faults.json").write_text("{}")
    retried = epicat("retry", *NAME, "--json")
    assert retried.code == 0, retried.err
    assert "4 station-days (failed)" in retried.err
    assert [(job["name"], job["units"]) for job in retried.json["jobs"]] == [
        ("pick-0001", 1), ("associate-0000", 6),
    ]  # fmt: skip
    monkeypatch.setenv("FORCE_COLOR", "1")  # as on a terminal
    watched = epicat("status", *NAME, "--watch", "--interval", 0.5)
    assert watched.code == 0, watched.err
    assert "all associate" in watched.err
    assert f"{len(expected['picks'])} picks and {len(expected['events'])} events" in watched.out
    assert tables_of(store) == expected
    again = epicat("retry", *NAME)
    assert (again.code, again.out) == (0, "")
    assert "nothing to do" in again.err
    check_secret(bed)


def test_an_upgrade_and_then_a_down_in_the_middle_of_a_campaign(
    bed, epicat, stack, network, expected, role, monkeypatch
):
    """What was done before stays; the same command does the rest, with the same catalog."""
    monkeypatch.setattr("epicat.aws.session.Aws.pause_s", 0.05)
    store = f"{PLACE}fourth"
    submitted = epicat("submit", *given(network, "--store", store, "--json"))
    assert submitted.code == 0, submitted.err
    jobs = {job["name"]: bed.batch.jobs[job["id"]] for job in submitted.json["jobs"]}
    bed.batch.until(lambda: "attempt 1 of 3" in epicat("logs", "pick-0000:0", *NAME).out)
    bed.batch.images["epicat:new"] = bed.batch.images["epicat:e2e"]
    up = epicat("cloud", "up", *NAME, "--image", "epicat:new", "--json")
    assert (up.code, up.json["change"]) == (0, "updated"), up.err
    bed.batch.until(lambda: jobs["pick-0000"].is_over)
    assert jobs["pick-0000"].status == "SUCCEEDED"
    down = epicat("cloud", "down", *NAME, "--yes")
    assert down.code == 0, down.err
    assert all(job.is_over for job in jobs.values())
    assert "FAILED" in {job.status for job in jobs.values()}
    again = epicat("cloud", "up", *NAME, "--image", "epicat:new", "--service-role", role)
    assert again.code == 0, again.err
    rest = epicat("submit", *given(network, "--store", store, "--json"))
    assert rest.code == 0, rest.err
    assert "pick-0000" not in [job["name"] for job in rest.json["jobs"]], "it was done before"
    bed.batch.finish()
    assert tables_of(store) == expected


def test_jobs_are_ended_and_the_stack_goes(bed, epicat, stack, network, expected, monkeypatch):
    def ctrl_c(seconds):
        raise KeyboardInterrupt

    clock = SimpleNamespace(sleep=ctrl_c, time=time.time, monotonic=time.monotonic)
    monkeypatch.setattr(job_status, "time", clock)
    place = ("--store", f"{PLACE}third")
    dry = epicat("submit", *given(network, *place, "--dry-run"))
    assert dry.code == 0, dry.err
    lines = [line.split()[:5] for line in dry.out.splitlines()]
    assert lines[1] == ["pick-0000", "2020.001", "2020.001", "2", "8"]
    assert lines[2][0] == "associate-0000"
    assert "nothing was written or submitted" in dry.err
    submitted = epicat("submit", *given(network, *place, "--json"))
    assert submitted.code == 0, submitted.err
    left = epicat("status", *NAME, "--watch")
    assert left.code == 130
    assert "the jobs keep running; `epicat cancel` cancels them" in left.err
    refused = epicat("cancel", *NAME)
    assert refused.code == 2
    assert "without a terminal (cancel 5 jobs and arrays of epicat-e2e?)" in refused.err
    assert epicat("cancel", *NAME, "--yes").code == 0
    bed.batch.finish()
    jobs = [bed.batch.jobs[job["id"]] for job in submitted.json["jobs"]]
    assert {job.status for job in jobs} == {"FAILED"}
    status = epicat("status", *NAME)
    assert status.code == 0
    assert "some work failed" in status.err
    assert "nothing to cancel" in epicat("cancel", *NAME).err
    down = epicat("cloud", "down", *NAME, "--yes", "--delete-data")
    assert down.code == 0, down.err
    gone = epicat("status", *NAME)
    assert gone.code == 2
    assert "there is no stack epicat-e2e in us-west-2" in gone.err
    check_secret(bed)


def check_secret(bed):
    """Of all that crossed the wire, one kind of call may hold the password."""
    asked = {request.action for request in bed.asked if request.holds("hunter2")}
    assert asked <= {"PutSecretValue"}
