"""The stack's own queue and definitions with a worker that only notes what it is given."""

from __future__ import annotations

import json
import sys

from awsbed import Image

URI = "mongodb+srv://epicat:hunter2@cluster0.example.net/epicat"
WORKER = """
import os, signal, sys, time
from pathlib import Path
index = os.environ.get("AWS_BATCH_JOB_ARRAY_INDEX", "-")
attempt = int(os.environ["AWS_BATCH_JOB_ATTEMPT"])
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
print(*sys.argv[1:], "index", index, "of", os.environ["EPICAT_TRIES"], flush=True)
print("store", len(os.environ["EPICAT_STORE"]), flush=True)
if index == "1" and attempt < 3:
    sys.exit(75)
if index == "2" and attempt == 1:
    Path("running").touch()
    while True:
        time.sleep(0.01)
"""


def test_a_campaign_s_jobs_run_from_its_stack(bed, epicat, role, monkeypatch, tmp_path):
    monkeypatch.setenv("MY_STORE", URI)
    worker = tmp_path / "worker.py"
    worker.write_text(WORKER)
    bed.batch.images["noting:1"] = Image([sys.executable, str(worker)], folder=tmp_path)
    up = epicat(
        "cloud", "up", "--name", "jobs", "--image", "noting:1", "--service-role", role, "--json",
        "--store", "env:MY_STORE",
    )  # fmt: skip
    made = up.json["outputs"]
    batch = bed.client("batch")

    def submit(definition, **more):
        told = batch.submit_job(
            jobName="x", jobQueue=made["Queue"], jobDefinition=made[definition],
            parameters={"plan": f"{made['Place']}plan/1"}, **more,
        )  # fmt: skip
        return told["jobId"]

    picks = submit("PickJob", arrayProperties={"size": 4})
    events = submit("AssociateJob", dependsOn=[{"jobId": picks}])
    bed.batch.until((tmp_path / "running").exists)
    assert epicat("cloud", "status", "--name", "jobs", "--json").json["jobs"] == 2
    bed.batch.interrupt(f"{picks}:2")
    bed.batch.until(lambda: bed.batch.jobs[events].is_over)

    described = batch.describe_jobs(jobs=[picks, events, *(f"{picks}:{i}" for i in range(4))])
    jobs = {job["jobId"]: job for job in described["jobs"]}
    assert jobs[picks]["status"] == jobs[events]["status"] == "SUCCEEDED"
    attempts = {i: len(jobs[f"{picks}:{i}"]["attempts"]) for i in range(4)}
    assert attempts == {0: 1, 1: 3, 2: 2, 3: 1}
    logs = bed.client("logs")
    stream = jobs[f"{picks}:3"]["container"]["logStreamName"]
    assert stream.startswith("pick/default/")
    said = logs.get_log_events(logGroupName=made["LogGroup"], logStreamName=stream)["events"]
    assert [event["message"] for event in said] == [
        f"work --plan {made['Place']}plan/1 index 3 of 3", f"store {len(URI)}",
    ]  # fmt: skip
    assert "hunter2" not in json.dumps(jobs)

    waiting = submit("AssociateJob", dependsOn=[{"jobId": submit("PickJob")}])
    down = epicat("cloud", "down", "--name", "jobs", "--yes", "--delete-data")
    assert down.code == 0, down.err
    assert bed.batch.jobs[waiting].is_over
    assert [r.action for r in bed.asked if r.holds("hunter2")] == ["PutSecretValue"]
