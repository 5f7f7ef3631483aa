from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from epicat.cli.slurm_options import folder_path, refuse, settings_of
from epicat.errors import InputError
from epicat.ledger import Stage
from epicat.pipeline.jobs.job_arrays import JobArray
from epicat.pipeline.plan import Unit
from epicat.slurm.script import Script
from epicat.slurm.settings import SlurmSettings, seconds_of
from epicat.slurm.tasks import Attempt, Queued, _indices, state_of

NOTHING = dict.fromkeys(("partition", "account", "time", "memory", "at_once", "sbatch", "secrets"))


@given(days=st.integers(0, 9), hours=st.integers(0, 23), minutes=st.integers(0, 59),
       seconds=st.integers(1, 59))  # fmt: skip
def test_time_limits_in_every_notation(days, hours, minutes, seconds):
    total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    assert seconds_of(f"{days}-{hours}:{minutes}:{seconds}") == total
    assert seconds_of(f"{hours}:{minutes:02}:{seconds:02}") == total - days * 86400
    assert seconds_of(f"{minutes}:{seconds}") == minutes * 60 + seconds
    assert seconds_of(f"{seconds}") == seconds * 60


@pytest.mark.parametrize("time", ["", "0", "1h", "-5", "UNLIMITED", "1:2:3:4", "00:00:00"])
def test_what_is_no_time_limit_is_refused(time):
    with pytest.raises(ValidationError, match="not a time limit"):
        SlurmSettings(time=time)


def test_a_unit_ends_before_its_task():
    assert SlurmSettings(time="01:00:00").unit_limit_s == 3360
    assert SlurmSettings(time="1").unit_limit_s == 30
    assert SlurmSettings(cores=3).memory == 3 * 4096
    assert SlurmSettings(cores=3, memory_mb=100).memory == 100


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"partition": "a b"}, "--partition 'a b'"),
        ({"account": "x\n#SBATCH --uid=0"}, "--account"),
        ({"time": "long"}, "--time 'long': not a time limit of SLURM"),
        ({"sbatch": ["qos=long"]}, "--sbatch 'qos=long'"),
        ({"sbatch": ["--qos=long\n--uid=0"]}, "--sbatch"),
        ({"secrets": "/no/such/file"}, "No such file"),
    ],
)
def test_options_that_a_script_cannot_have(given, message):
    with pytest.raises(InputError, match=message.replace("(", r"\(")):
        settings_of({**NOTHING, **given}, None)


def test_options_of_another_target_and_folders():
    with pytest.raises(InputError, match="--at-once is not an option of --to aws"):
        refuse({"at_once": 3, "sbatch": []}, "aws")
    with pytest.raises(InputError, match="needs --folder"):
        folder_path(None)
    with pytest.raises(InputError, match="must not contain"):
        folder_path("/scratch/my folder")


def array_of(count):
    return JobArray(
        "pick-0000", tuple(Unit(Stage.PICK, (f"XX.A{n}/2020.001",)) for n in range(count))
    )


def test_a_script_is_valid_bash_and_says_what_was_asked(tmp_path):
    settings = SlurmSettings(
        partition="long", account="geo", time="2-0", memory_mb=900, at_once=7, cores=4,
        lines=("--qos=normal",), secrets=tmp_path / "secrets",
    )  # fmt: skip
    text = Script("/folder", "name", settings, strict=True).text(array_of(12))
    for line in (
        "--array=0-11%7", "--partition=long", "--account=geo", "--time=2-0", "--mem=900M",
        "--cpus-per-task=4", "--qos=normal", "--requeue", "--output=/folder/logs/pick-0000/%a.log",
    ):  # fmt: skip
        assert f"#SBATCH {line}\n" in text
    assert f"set -a; . {tmp_path}/secrets; set +a\n" in text
    assert "--workers 4" in text
    assert "--strict" in text
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("exit 0", 0),
        ("exit 1", 1),
        ("exit 75", 75),
        ("kill -KILL $$", 137),
        ("trap 'sleep 0.3; exit 75' TERM; kill -TERM $PPID; sleep 5 & wait; wait", 75),
        ("trap : TERM; kill -TERM $PPID; sleep 0.2; kill -TERM $PPID; sleep 0.2; exit 75", 75),
        ("kill -TERM $PPID; exec sleep 5", 75),
    ],
    ids=["done", "failed", "retry", "killed", "interrupted", "twice", "interrupted at its start"],
)
def test_the_status_of_a_task_is_that_of_its_worker(tmp_path, monkeypatch, body, status):
    """The trap must not lose it: bash returns from `wait` when a signal comes."""
    worker = tmp_path / "worker"
    worker.write_text(f"#!/bin/bash\n{body}\n")
    worker.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(worker))
    (tmp_path / "ended" / "pick-0000").mkdir(parents=True)
    text = Script(str(tmp_path), "name", SlurmSettings(tries=1)).text(array_of(3))
    environment = {"PATH": "/usr/bin:/bin", "SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "2"}
    done = subprocess.run(["bash"], input=text, text=True, env=environment, check=False)
    assert done.returncode == status
    (mark,) = (tmp_path / "ended" / "pick-0000").iterdir()
    assert mark.name.rpartition(".")[0] == f"2.1.{status}"


@given(st.sets(st.integers(0, 60)))
def test_indices_are_read_as_squeue_writes_them(numbers):
    spans, rest = [], sorted(numbers)
    while rest:
        first = last = rest.pop(0)
        while rest and rest[0] == last + 1:
            last = rest.pop(0)
        spans.append(f"{first}-{last}" if last > first else f"{first}")
    assert set(_indices(",".join(spans))) == numbers
    assert set(_indices(",".join(spans) + "%5")) == numbers


def test_states_with_and_without_squeue_and_accounts():
    def queued(state, reason="None"):
        return Queued(state, reason, None)

    good, again = Attempt(2, 0, 5), Attempt(1, 75, 5)
    assert state_of(queued("PENDING", "Dependency"), [], None) == "submitted"
    assert state_of(queued("PENDING", "Resources"), [again], None) == "runnable"
    assert state_of(queued("RUNNING"), [again], None) == "running"
    assert state_of(queued("COMPLETED"), [], None) == "done", "its mark is not visible yet"
    assert state_of(queued("TIMEOUT"), [], None) == "failed"
    assert state_of(None, [again, good], None) == "done"
    assert state_of(None, [again], None) == "failed"
    assert state_of(None, [], "COMPLETED") == "done"
    assert state_of(None, [], "OUT_OF_MEMORY") == "failed"
    assert state_of(None, [], None) == "failed", "killed, and forgotten"
