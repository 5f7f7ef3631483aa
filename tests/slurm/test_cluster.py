"""Campaigns on a real SLURM: whatever happens to the tasks, the tables are the same."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from epicat.ledger import Stage
from epicat.slurm.record import find_last
from epicat.slurm.tasks import attempts
from epicat.store.parquet import ParquetStore
from support.network_fixtures import undisturbed_catalog, written_network
from support.slurm_cluster import MOST_TASKS, wait_until
from support.tiny_network import arguments, truths
from support.undisturbed import tables_at

EVENTS = truths([-300, -1.0, 60.5])
EPICAT = [sys.executable, "-m", "epicat"]


def epicat(*words, code=0):
    done = subprocess.run([*EPICAT, *words], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done


network = written_network(EVENTS)
expected = undisturbed_catalog(len(EVENTS))


class Campaign:
    """A campaign whose jobs are submitted from one folder."""

    def __init__(self, network, folder, *more):
        self.store, self.folder = folder / "store", folder / "submissions"
        self._words = arguments(network, self.store, "--memory", "500", *more)

    def submit(self, *more, code=0):
        words = ["submit", *self._words, "--to", "slurm", "--folder", str(self.folder), *more]
        return epicat(*words, code=code)

    def status(self, *more, code=0):
        done = epicat("status", "--folder", str(self.folder), "--json", *more, code=code)
        return json.loads(done.stdout)

    def watch(self, code=0):
        return self.status("--watch", "--interval", "0.3", code=code)

    @property
    def record(self):
        return find_last(self.folder)[1]

    def job(self, name):
        return next(job for job in self.record.jobs if job.name == name)

    def begun(self, name):
        """Return the number of tasks that have begun to work."""
        logs = Path(self.record.script.logs, name).glob("*.log")
        return sum("attempt 1 of 3" in log.read_text() for log in logs)

    def exits(self, name):
        """Return the exit statuses of the attempts of each task."""
        found = attempts(self.record, self.job(name))
        return {index: [one.status for one in all_] for index, all_ in found.items()}


def test_arrays_larger_than_the_cluster_allows_make_the_same_tables(
    cluster, network, expected, tmp_path
):
    campaign = Campaign(network, tmp_path, "--stations-per-unit", "1")
    shown = campaign.submit("--dry-run", "--at-once", "2", "--sbatch=--comment=hello")
    assert not campaign.folder.exists()
    assert not campaign.store.exists()
    assert "#SBATCH --array=0-4%2\n" in shown.stdout
    assert "#SBATCH --comment=hello\n" in shown.stdout

    campaign.submit()
    again = campaign.submit(code=2)
    assert "are still active" in again.stderr
    found = campaign.watch()
    assert [(job["name"], job["units"], job["done"]) for job in found["jobs"]] == [
        ("pick-0000", MOST_TASKS, MOST_TASKS), ("pick-0000.1", 8 - MOST_TASKS, 8 - MOST_TASKS),
        ("associate-0000", 1, 1),
    ]  # fmt: skip
    assert (found["station_days"], found["failed"], found["is_over"]) == (16, 0, True)
    assert tables_at(campaign.store) == expected

    # SLURM has forgotten the tasks, and there are no accounts
    wait_until(lambda: not cluster.run("squeue", "--noheader", "--states=all"))
    assert without_rate(campaign.status()) == without_rate(found)
    lines = epicat("logs", "--folder", str(campaign.folder), "XX.ST07/2020.002")
    assert "pick-0000.1:2 of" in lines.stderr
    assert "attempt 1: exit status 0" in lines.stderr
    assert json.loads(lines.stdout.splitlines()[-1])["statuses"] == {"done": 2}
    cost = json.loads(epicat("cost", "--folder", str(campaign.folder), "--json").stdout)
    assert [(row["stage"], row["units"], row["attempts"]) for row in cost["submissions"]] == [
        ("pick", 8, 8), ("associate", 1, 1),
    ]  # fmt: skip
    assert "nothing to do" in campaign.submit().stderr
    assert "nothing to cancel" in epicat("cancel", "--folder", str(campaign.folder)).stderr


def without_rate(status):
    return {name: value for name, value in status.items() if name != "station_days_per_second"}


def running(cluster):
    return [state for state in cluster.states() if state == "RUNNING"]


def start_requeued_now(cluster, job):
    """SLURM would wait for two minutes."""

    def updated():
        states = cluster.run("squeue", "-h", "-r", "-j", job, "-o", "%T").split()
        return states == ["PENDING", "PENDING"]

    wait_until(updated)
    cluster.run("scontrol", "update", f"jobid={job}", "starttime=now")


def test_interrupted_tasks_are_requeued(cluster, network, expected, tmp_path):
    """As before the time limit, or when a node is needed for something else."""
    campaign = Campaign(network, tmp_path, "--stations-per-unit", "4")
    campaign.submit()
    wait_until(lambda: campaign.begun("pick-0000") == 2)
    cluster.run("scancel", "--signal=TERM", "--batch", campaign.job("pick-0000").id)
    wait_until(lambda: campaign.exits("pick-0000") == {0: [75], 1: [75]})
    start_requeued_now(cluster, campaign.job("pick-0000").id)
    campaign.watch()
    assert campaign.exits("pick-0000") == {0: [75, 0], 1: [75, 0]}
    assert campaign.exits("associate-0000") == {0: [0]}
    assert tables_at(campaign.store) == expected


def test_cancelled_tasks_stay_cancelled_and_retry_does_them(cluster, network, expected, tmp_path):
    campaign = Campaign(network, tmp_path, "--stations-per-unit", "4")
    campaign.submit()
    wait_until(lambda: len(running(cluster)) == 2)
    cluster.run("scancel", f"{campaign.job('pick-0000').id}_0")
    found = campaign.watch(code=1)
    assert found["jobs"][0]["failed"] == 1
    assert found["jobs"][1]["done"] == 1, "the association uses what there is"
    assert campaign.status()["jobs"][0]["failed"] == 1

    epicat("retry", "--folder", str(campaign.folder))
    campaign.watch()
    assert tables_at(campaign.store) == expected


def test_a_cancelled_submission_is_resumed(cluster, network, expected, tmp_path):
    campaign = Campaign(network, tmp_path, "--stations-per-unit", "1", "--at-once", "1")
    campaign.submit()
    wait_until(lambda: campaign.status()["jobs"][0].get("done", 0) >= 1)
    epicat("cancel", "--folder", str(campaign.folder), "--yes")
    campaign.watch(code=1)
    done = len(ParquetStore(campaign.store).ledger(Stage.PICK))
    assert 2 <= done < 16
    epicat("retry", "--folder", str(campaign.folder))
    found = campaign.watch()
    assert sum(job["units"] for job in found["jobs"] if job["stage"] == "pick") < 8
    assert tables_at(campaign.store) == expected


def test_a_drained_node_delays_and_a_killed_worker_is_replaced(
    cluster, network, expected, tmp_path
):
    campaign = Campaign(network, tmp_path, "--stations-per-unit", "2")
    campaign.submit()
    wait_until(lambda: len(running(cluster)) == 3)
    cluster.run("scontrol", "update", f"nodename={cluster.node}", "state=drain", "reason=test")
    for process in workers_of(str(campaign.folder)):
        os.kill(process, signal.SIGKILL)
    wait_until(lambda: not running(cluster))
    assert "PENDING" in cluster.states()
    cluster.run("scontrol", "update", f"nodename={cluster.node}", "state=resume")
    campaign.watch(code=1 if any(status["failed"] for status in jobs(campaign)) else 0)
    if campaign.status()["failed"] or any(status["failed"] for status in jobs(campaign)):
        epicat("retry", "--folder", str(campaign.folder))
        campaign.watch()
    assert tables_at(campaign.store) == expected


def jobs(campaign):
    return [{"failed": job.get("failed", 0)} for job in campaign.status()["jobs"]]


def workers_of(folder):
    """Return the tasks' processes that work on a submission."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            try:
                words = (process / "cmdline").read_bytes().decode().split("\0")
            except OSError:
                continue
            if "work" in words and any(word.startswith(folder) for word in words):
                found.append(int(process.name))
    return found


def test_secrets_are_not_sent(cluster, network, tmp_path, monkeypatch):
    """Neither in the script nor in the environment that SLURM keeps on its disk."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden-password")
    secrets = tmp_path / "secrets"
    secrets.write_text("EPICAT_WORD=other-secret\n")
    campaign = Campaign(network, tmp_path)
    refused = campaign.submit("--secrets", str(secrets), code=2)
    assert "chmod 600" in refused.stderr
    secrets.chmod(0o600)
    cluster.run("scontrol", "update", f"nodename={cluster.node}", "state=drain", "reason=test")
    campaign.submit("--secrets", str(secrets))
    kept = [path for root in (cluster.folder / "state", campaign.folder)
            for path in root.rglob("*") if path.is_file()]  # fmt: skip
    assert any(b"SLURM_CONF" in path.read_bytes() for path in kept), "the environment is there"
    for path in kept:
        assert b"hidden-password" not in path.read_bytes()
        assert b"other-secret" not in path.read_bytes()
    cluster.run("scontrol", "update", f"nodename={cluster.node}", "state=resume")
    campaign.watch()


def test_what_sbatch_refuses_is_reported(cluster, network, tmp_path):
    campaign = Campaign(network, tmp_path)
    refused = campaign.submit("--partition", "nowhere", code=1)
    assert "invalid partition" in refused.stderr
    assert "Traceback" not in refused.stderr
