"""A model is compiled by a job where SeisBench is not installed; AWS is on this machine.

What stands for the image that compiles is a process with `tiny_bundle`'s compiler: so this takes no
PyTorch.  `test_compiling_for_real.py` has SeisBench's own.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from awsbed import Image
from epicat.aws import compile_job
from epicat.aws.compile_job import request_of
from epicat.aws.limits import check_submission
from epicat.aws.session import Aws
from epicat.aws.stack import Stack
from epicat.aws.template import DEFAULTS
from epicat.cli.app import main
from epicat.errors import InputError
from epicat.pick.options import PickOptions
from epicat.pick.remote_bundle import kept_name
from epicat.store.base import Where
from epicat.store.open import open_store
from epicat.tables import TABLES
from support import s3
from support.tiny_network import arguments, truths, write_network

TESTS = Path(__file__).resolve().parents[1]
BUCKET = "epicat-cmp-123456789012-us-west-2"
NAME = ("--name", "cmp")

# Makes the tiny bundle of the weights that it is given, then does what it is told; or fails, or
# waits to be let go, as `mode` says.
COMPILER = """
import sys, time
from pathlib import Path
from epicat.cli.app import main
from epicat.pick.openvino.bundle import bundle_folder
from epicat.pick.remote_bundle import at_hand
from epicat.pick.seisbench.weights import find_weights
from support.tiny_bundle import write_bundle

here = Path(__file__).parent
mode = (here / "mode").read_text()
if mode == "fail":
    print("line 0 of many")
    for line in range(1, 13):
        print(f"weights: line {line}")
    sys.exit(2)
while mode == "wait" and not (here / "go").exists():
    time.sleep(0.02)
with at_hand(sys.argv[4]) as weight:
    write_bundle(bundle_folder(find_weights("PhaseNet", weight))).seal()
if mode != "forget":
    main(sys.argv[1:])
"""


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    folder = tmp_path_factory.mktemp("network")
    write_network(folder, truths([-100, -1.0]), around_s=200)
    return folder


@pytest.fixture(scope="module")
def words(network, epicat_cache):
    """Return what ``epicat submit`` takes, and make the catalog of ``epicat run``."""
    given = arguments(network, network / "store")
    with pytest.raises(SystemExit) as left:
        main(["run", *given, "--workers", "1"])
    assert left.value.code == 0
    given[given.index("--archive") + 1] = "s3://compiling-waveforms/sds"
    at = given.index("--store")
    return [*given[:at], *given[at + 2 :], *NAME]


@pytest.fixture(scope="module")
def container(tmp_path_factory):
    folder = tmp_path_factory.mktemp("container")
    (folder / "compiler.py").write_text(COMPILER)
    return folder


@pytest.fixture
def here(monkeypatch, tmp_path):
    """Let this machine have neither SeisBench nor a compiled model, and look often."""
    monkeypatch.setitem(sys.modules, "seisbench", None)
    monkeypatch.setenv("EPICAT_CACHE", str(tmp_path / "empty"))
    monkeypatch.setattr(Aws, "pause_s", 0.02)


@pytest.fixture
def stack(bed, epicat, role, network, container, monkeypatch):
    """Give a stack that can compile; it is made for the first test."""
    python = os.pathsep.join((str(TESTS.parent / "src"), str(TESTS)))
    variables = {**bed.variables(), "PYTHONPATH": python, "EPICAT_CACHE": str(container / "cache")}
    bed.batch.images["epicat:cmp"] = Image([sys.executable, "-m", "epicat"], variables)
    bed.batch.images["epicat:cmp-compile"] = Image(
        [sys.executable, str(container / "compiler.py")], variables
    )
    (container / "mode").write_text("compile")
    (container / "go").unlink(missing_ok=True)
    up = epicat(
        "cloud", "up", *NAME, "--image", "epicat:cmp", "--compile-image", "epicat:cmp-compile",
        "--service-role", role, "--json",
    )  # fmt: skip
    assert up.code == 0, up.err
    if up.json["change"] == "created":
        files = {
            f"sds/{path.relative_to(network / 'sds').as_posix()}": path.read_bytes()
            for path in (network / "sds").rglob("*") if path.is_file()
        }  # fmt: skip
        s3.Server(bed.endpoint, bed.client("s3", "us-east-1")).make("compiling-waveforms", files)
    return up.json["outputs"]


def compilations(bed):
    return [job for job in bed.batch.jobs.values() if job.name.startswith("epicat-cmp-compile-")]


def objects(bed):
    pages = bed.client("s3").get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


def ctrl_c(seconds):
    raise KeyboardInterrupt


def clock(monkeypatch, sleep):
    """Replace the waiting between two looks."""
    from time import monotonic

    monkeypatch.setattr(compile_job, "time", SimpleNamespace(sleep=sleep, monotonic=monotonic))


def test_a_job_that_fails_tells_the_end_of_its_log(bed, epicat, stack, words, here, container):
    (container / "mode").write_text("fail")
    told = epicat("submit", *words)
    assert told.code == 1
    assert "the job that compiles the model failed (exit code 2" in told.err
    assert "weights: line 1\n" in told.err
    assert "weights: line 12\nRun the same command again to retry" in told.err
    assert "line 0 of many" not in told.err
    assert len(compilations(bed)) == 1
    (container / "mode").write_text("forget")
    told = epicat("submit", *words)
    assert told.code == 1
    assert "the job succeeded but left no model in 's3://" in told.err
    assert len(compilations(bed)) == 2
    assert not [job for job in bed.batch.jobs.values() if "epicat-cmp-pick" in job.name]


def test_a_dry_run_submits_no_job_and_shows_the_work(bed, epicat, stack, words, here):
    jobs, kept = len(bed.batch.jobs), objects(bed)
    dry = epicat("submit", *words, "--dry-run")
    assert dry.code == 0, dry.err
    assert "tiny.pt would first be compiled by a job" in dry.err
    assert "all work is shown as due" in dry.err
    assert "16 station-days" in dry.err
    assert "associator" not in dry.err, "its digest is not known yet"
    assert [line.split()[0] for line in dry.out.splitlines()] == [
        "job", "pick-0000", "associate-0000",
    ]  # fmt: skip
    assert (len(bed.batch.jobs), objects(bed)) == (jobs, kept)


def test_after_ctrl_c_the_same_command_joins_the_job(
    bed, epicat, stack, words, here, container, network, monkeypatch
):
    before = len(compilations(bed))
    (container / "mode").write_text("wait")
    clock(monkeypatch, ctrl_c)
    left = epicat("submit", *words)
    assert left.code == 130
    assert "the job keeps running: the same command waits for it again" in left.err
    (job,) = compilations(bed)[before:]

    clock(monkeypatch, lambda seconds: (container / "go").touch())
    monkeypatch.setattr(compile_job, "_LONG_S", -1.0)
    submitted = epicat("submit", *words, "--json")
    assert submitted.code == 0, submitted.err
    assert f"is being compiled by an earlier job, {job.name}" in submitted.err
    assert "the job is done" in submitted.err
    assert compilations(bed)[before:] == [job]
    assert job.queue.endswith("epicat-cmp-on-demand"), "somebody waits for it"

    place = f"models/{kept_name(PickOptions(weight=words[words.index('--weight') + 1]))}"
    assert [key for key in objects(bed) if key.startswith("models/")] == [
        f"{place}/bundle/{name}" for name in ("SHA256SUMS", "bundle.json", "model.bin", "model.xml")
    ] + [f"{place}/weights/{name}" for name in ("tiny.json", "tiny.pt")]
    bed.batch.finish(300)
    made = open_store(submitted.json["store"])
    expected = open_store(str(network / "store"))
    for table in TABLES:
        assert made.read(table, Where()) == expected.read(table, Where())
    assert made.read("events", Where()).num_rows


def test_what_is_compiled_is_used_again(bed, epicat, stack, words, here):
    before = len(bed.batch.jobs)
    told = epicat("submit", *words)
    assert (told.code, told.out) == (0, "")
    assert "compiled, in s3://epicat-cmp-" in told.err
    assert "nothing to do" in told.err
    dry = epicat("submit", *words, "--collection", "other", "--dry-run")
    assert "16 station-days" in dry.err
    assert "would be compiled" not in dry.err
    assert "run " in dry.err
    assert len(bed.batch.jobs) == before


def test_what_compiling_took_is_counted_beside_the_submission(bed, epicat, stack, words):
    lines = epicat("cost", *NAME, "--json").json["submissions"]
    (line,) = [line for line in lines if line["stage"] == "compile"]
    jobs = compilations(bed)
    attempts = [attempt for job in jobs for attempt in job.attempts]
    seconds = sum(attempt["stoppedAt"] - attempt["startedAt"] for attempt in attempts) / 1000
    assert (line["submission"], line["jobs"], line["attempts"]) == ("", len(jobs), len(attempts))
    assert line["vcpu_seconds"] == pytest.approx(2 * seconds, abs=0.1)
    hour = 2 * 0.04048 + 8 * 0.004445  # on demand, whatever the stack has
    assert line["dollars"] == pytest.approx(hour * seconds / 3600, abs=1e-6)
    assert line["dollars_estimated"] == 0
    assert [row.split()[0] for row in epicat("cost", *NAME).out.splitlines()[1:2]] == ["compile"]


def test_a_stack_without_such_an_image_says_what_to_do(bed, epicat, role, words, here):
    given = [*words[: -len(NAME)], "--name", "cmpno"]
    up = ("cloud", "up", "--name", "cmpno", "--image", "epicat:cmp", "--service-role", role)
    assert epicat(*up).code == 0
    for more in ((), ("--dry-run",)):
        told = epicat("submit", *given, *more)
        assert told.code == 2
        assert "`epicat cloud up --compile-image REGISTRY/epicat:TAG-compile` has" in told.err
        assert "pip install 'epicat[seisbench]'" in told.err
    assert epicat("cloud", "down", "--name", "cmpno", "--yes", "--delete-data").code == 0


def test_a_queue_without_machines_is_told(monkeypatch):
    """As of an account whose quota is used up: it is told, and waited for."""
    looks = iter(["RUNNABLE", "RUNNABLE", "SUCCEEDED"])
    client = SimpleNamespace(
        region="us-west-2", pause_s=0.0, client=lambda service: client,
        describe_jobs=lambda jobs: {"jobs": [{"status": next(looks)}]},
    )  # fmt: skip
    monkeypatch.setattr(compile_job, "_LONG_S", -1.0)
    said = []
    compile_job.wait(client, stack_of(), "id", said.append)
    assert [line.split(" ", 3)[3] for line in said[:1]] == ["the job waits for a machine"]
    assert "still no machine: is the account's quota of Fargate On-Demand vCPUs" in said[1]
    assert said[2].endswith("the job is done")


def stack_of(**parameters):
    outputs = {
        "Place": "s3://bucket/part/", "Queue": "arn:spot", "OtherQueue": "arn:on-demand",
        "CompileJob": "arn:compile:1",
    }  # fmt: skip
    return Stack("epicat-x", "", "CREATE_COMPLETE", "", {**DEFAULTS, **parameters}, outputs)


def test_a_request_is_names_and_places(monkeypatch, tmp_path):
    monkeypatch.setenv("SEISBENCH_CACHE_ROOT", str(tmp_path))
    options = PickOptions(model="EQTransformer", weight="a.weight" * 20)
    with pytest.raises(InputError):  # a name with a dot looks like a file
        request_of(stack_of(), options, options.weight)
    options = PickOptions(model="EQTransformer", weight="ethz")
    request = request_of(stack_of(), options, "ethz")
    check_submission(request)
    name = kept_name(options)
    assert request["jobName"] == f"epicat-x-compile-{name[-16:]}-EQTransformer-ethz"
    assert request["jobQueue"] == "arn:on-demand"
    assert request["parameters"] == {
        "model": "EQTransformer", "weight": "ethz", "place": f"s3://bucket/part/models/{name}/bundle",
    }  # fmt: skip
    assert request_of(stack_of(Capacity="on-demand"), options, "ethz")["jobQueue"] == "arn:spot"
    long = PickOptions(weight="w+" * 32)
    check_submission(request_of(stack_of(), long, "x"))
