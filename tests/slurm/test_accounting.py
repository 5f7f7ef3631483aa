"""A cluster with accounts: what ``sacct`` says, where ``squeue`` has forgotten the tasks.

A real one with slurmdbd where that is installed.  Elsewhere ``sacct`` is a script that prints what
SLURM 22.05's prints for these options: one line for each attempt, also for requeued ones.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from epicat.campaign.options import Partition
from epicat.cli.app import main
from epicat.errors import ClusterError
from epicat.ledger import Stage
from epicat.pipeline.jobs.submission_record import Job
from epicat.slurm.cost import core_time
from epicat.slurm.record import SlurmRecord, find_last
from epicat.slurm.settings import SlurmSettings
from epicat.slurm.target import Cluster, SlurmTarget
from epicat.slurm.tasks import accounted, final_states, has_accounting
from epicat.store.parquet import ParquetStore
from support.slurm_cluster import wait_until
from support.tiny_network import arguments, truths, write_network

NAME = "20260101T000000Z-0123abcd"
CONFIG = """\
Configuration data as of 2026-11-30T02:00:00
AccountingStorageType   = {storage}
ClusterName             = tests
MaxArraySize            = 1001
"""
SACCT = """\
#!/bin/sh
echo "$@" >> {folder}/asked
case " $* " in
*" --noheader --parsable2 --allocations --duplicates --jobs "*) ;;
*) echo "sacct: error: unexpected options" >&2; exit 1 ;;
esac
while [ "$1" != --jobs ]; do shift; done
grep -E "^($(echo "$2" | tr , '|'))_" {folder}/accounts
exit 0
"""
ACCOUNTS = """\
71_0|COMPLETED|120
71_1|REQUEUED|30
71_1|COMPLETED|100
71_2|NODE_FAIL|50
71_2|OUT_OF_MEMORY|60
71_3|CANCELLED by 1000|7
71_4|TIMEOUT|14400
71_[5-6]|PENDING|0
72_0|COMPLETED|240
"""


def job(name, job_id, units):
    stage = Stage(name.partition("-")[0])
    return Job(name=name, stage=stage, id=job_id, units=units, keys=units, first="2020.001",
               last="2020.001", seconds=10.0)  # fmt: skip


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """Give the folder of the cluster's commands, which ``PATH`` finds first."""
    folder = tmp_path / "bin"
    folder.mkdir()

    def write(name, text):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)

    (tmp_path / "accounts").write_text(ACCOUNTS)
    (tmp_path / "config").write_text(CONFIG.format(storage="accounting_storage/slurmdbd"))
    write("sacct", SACCT.format(folder=tmp_path))
    write("scontrol", f"#!/bin/sh\ncat {tmp_path}/config\n")
    write("squeue", "#!/bin/sh\n")
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return tmp_path


@pytest.fixture
def record(tmp_path):
    """Give a submission that ended some time ago; some attempts left a file."""
    place = tmp_path / "jobs"
    store = ParquetStore(tmp_path / "store", create=True)
    made = SlurmRecord(
        name=NAME, time=datetime(2026, 1, 1, tzinfo=UTC), store=store.location, run="r" * 16,
        associator="a" * 16, stations=7, partition=Partition(), cluster="tests",
        folder=str(place / NAME), settings=SlurmSettings(cores=2),
        jobs=(job("pick-0000", "71", 5), job("associate-0000", "72", 1)),
    )  # fmt: skip
    for name, files in {"pick-0000": ["0.1.0.60", "1.1.75.15", "1.2.0.50"],
                        "associate-0000": ["0.1.0.120"]}.items():  # fmt: skip
        folder = Path(made.script.ended, name)
        folder.mkdir(parents=True)
        for file in files:
            (folder / file).touch()
    Path(made.folder, "jobs.json").write_text(made.model_dump_json())
    return made


def test_the_last_attempt_in_the_accounts_decides(commands, record):
    assert has_accounting()
    assert list(accounted(record.jobs))[1:3] == [
        ("pick-0000", 1, "REQUEUED", 30.0), ("pick-0000", 1, "COMPLETED", 100.0),
    ]  # fmt: skip
    assert final_states(record.jobs) == {
        ("pick-0000", 0): "COMPLETED", ("pick-0000", 1): "COMPLETED",
        ("pick-0000", 2): "OUT_OF_MEMORY", ("pick-0000", 3): "CANCELLED",
        ("pick-0000", 4): "TIMEOUT", ("associate-0000", 0): "COMPLETED",
    }  # fmt: skip
    assert "--jobs 71,72 --format JobID,State,CPUTimeRAW" in (commands / "asked").read_text()


def test_status_knows_what_squeue_has_forgotten(commands, record):
    target = SlurmTarget(Cluster("tests", 1001))
    picking, associating = target.progress(record)
    assert picking.counts == {"done": 2, "failed": 3}
    assert associating.counts == {"done": 1}
    assert picking.is_over
    (commands / "accounts").write_text("71_2|COMPLETED|50\n")  # its file is not visible yet
    assert target.progress(record)[0].counts == {"done": 3, "failed": 2}


def test_the_cost_includes_killed_attempts(commands, record):
    picking, associating = core_time(record)
    assert (picking.units, picking.attempts) == (5, 7)
    assert picking.seconds == 120 + 30 + 100 + 50 + 60 + 7 + 14400
    assert associating.seconds == 240
    (commands / "config").write_text(CONFIG.format(storage="accounting_storage/none"))
    assert not has_accounting()
    picking, associating = core_time(record)
    assert (picking.attempts, picking.seconds) == (3, 2 * (60 + 15 + 50))
    assert associating.seconds == 240


def test_commands_use_the_accounts(commands, record, capsys):
    for words in (["status", "--json"], ["cost", "--json"]):
        with pytest.raises(SystemExit):
            main([words[0], "--folder", str(Path(record.folder).parent), *words[1:]])
    status, cost = map(json.loads, capsys.readouterr().out.splitlines())
    assert [(one.get("done"), one.get("failed")) for one in status["jobs"]] == [(2, 3), (1, None)]
    assert [row["attempts"] for row in cost["submissions"]] == [7, 1]


def test_accounts_that_cannot_be_asked_are_an_error(commands, record):
    (commands / "bin" / "sacct").write_text(
        "#!/bin/sh\necho 'sacct: error: no slurmdbd' >&2\nexit 1\n"
    )
    with pytest.raises(ClusterError, match="sacct failed: no slurmdbd"):
        final_states(record.jobs)


def test_a_real_cluster_with_accounts(accounting_cluster, tmp_path, monkeypatch):
    """One task is cancelled while it works, and one is requeued: its attempts cost as well."""
    for name, value in accounting_cluster.environment.items():
        monkeypatch.setenv(name, value)
    write_network(tmp_path, truths([-1.0]))
    folder = ("--folder", str(tmp_path / "jobs"))

    def epicat(*words, code=0):
        with pytest.raises(SystemExit) as left:
            main([str(word) for word in words])
        assert left.value.code == code

    words = arguments(tmp_path, tmp_path / "store", "--memory", "500", "--stations-per-unit", "4")
    epicat("submit", *words, "--to", "slurm", *folder)
    picking, associating = find_last(tmp_path / "jobs")[1].jobs
    wait_until(lambda: len(working(tmp_path / "jobs")) == 2)
    accounting_cluster.run("scancel", f"{picking.id}_0")
    accounting_cluster.run("scontrol", "requeue", f"{picking.id}_1")
    start_now(accounting_cluster, picking.id)
    accounting_cluster.wait_until_idle()
    wait_until(lambda: not accounting_cluster.run("squeue", "--noheader", "--states=all"))

    assert has_accounting()
    wait_until(lambda: len(list(accounted([picking, associating]))) == 4)
    states = final_states([picking, associating])
    assert states == {("pick-0000", 0): "CANCELLED", ("pick-0000", 1): "COMPLETED",
                      ("associate-0000", 0): "COMPLETED"}  # fmt: skip
    record = find_last(tmp_path / "jobs")[1]
    progress = SlurmTarget(Cluster("tests", 5)).progress(record)
    assert [line.counts for line in progress] == [{"failed": 1, "done": 1}, {"done": 1}]
    picked, _ = core_time(record)
    assert (picked.units, picked.attempts) == (2, 3)
    assert picked.seconds > 0


def working(place):
    """Return the logs of tasks that have begun to work."""
    return [log for log in place.glob("*/logs/pick-0000/*.log") if "attempt 1" in log.read_text()]


def start_now(cluster, job):
    """Start a requeued task without the two minutes that SLURM waits."""

    def pending():
        return cluster.run("squeue", "-h", "-r", "-j", job, "-t", "PENDING", "-o", "%i").split()

    wait_until(lambda: len(pending()) == 1)
    cluster.run("scontrol", "update", f"jobid={pending()[0]}", "starttime=now")
