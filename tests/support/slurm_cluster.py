"""A real SLURM cluster of one node on this machine, for one process of tests.

It needs root and Debian's packages slurmctld, slurmd, slurm-client and munge (see .ci/slurm).
Everything, munge included, is private: folders, ports, key and socket.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel", "munged")
PACKAGES = "slurmctld slurmd slurm-client munge"
MOST_TASKS = 5
_WAIT_S = 60.0

_CONFIG = """\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SchedulerType=sched/builtin
SchedulerParameters=batch_sched_delay=0,sched_min_interval=100000
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MaxArraySize={most}
MinJobAge=2
KillWait=2
ReturnToService=2
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs=3 RealMemory=64000 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
"""


def missing() -> str:
    """Return why there can be no cluster here; empty if there can."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    absent = [name for name in PROGRAMS if shutil.which(name, path=path) is None]
    if absent:
        return f"needs SLURM ({', '.join(absent)} missing): apt-get install {PACKAGES}"
    if os.geteuid() != 0:
        return "needs root, to start a SLURM cluster"
    return ""


@dataclass(frozen=True)
class SlurmCluster:
    """A running cluster."""

    folder: Path
    node: str
    environment: dict[str, str]

    def run(self, *command: str) -> str:
        """Run a command with this cluster's configuration; return its output."""
        done = subprocess.run(
            command, env={**os.environ, **self.environment}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def states(self) -> list[str]:
        """Return the states of the active tasks."""
        return self.run("squeue", "--noheader", "--array", "--format", "%T").split()

    def wait_until_idle(self, seconds: float = 300.0) -> None:
        """Wait until no job is active."""
        wait_until(lambda: not self.states(), seconds)

    def cancel_all(self) -> None:
        """Cancel what a failed test has left."""
        self.run("scancel", "--user", str(os.getuid()))
        if "drain" in self.run("sinfo", "--noheader", "--format", "%T"):
            self.run("scontrol", "update", f"nodename={self.node}", "state=resume")
        self.wait_until_idle()


def wait_until(is_true: Callable[[], bool], seconds: float = _WAIT_S) -> None:
    """Poll until something is true; fail after some seconds."""
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end, f"not within {seconds:g} s"
        time.sleep(0.1)


@contextmanager
def serving(folder: Path) -> Iterator[SlurmCluster]:
    """Start a cluster, and stop its three daemons at the end."""
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    folder.chmod(0o755)
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    host = socket.gethostname().partition(".")[0]
    config = folder / "slurm.conf"
    config.write_text(
        _CONFIG.format(host=host, folder=folder, ports=_free_ports(2), most=MOST_TASKS)
    )
    environment = {"PATH": path, "SLURM_CONF": str(config)}
    started = []
    try:
        started.append(_munged(folder, path))
        for daemon, more in (("slurmctld", []), ("slurmd", ["-N", host])):
            command = [daemon, "-D", "-f", str(config), *more]
            started.append(_started(command, folder / f"{daemon}.out", environment))
        cluster = SlurmCluster(folder, host, environment)
        wait_until(lambda: "idle" in _output("sinfo", environment))
        yield cluster
        cluster.cancel_all()
    finally:
        for process in reversed(started):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _munged(folder: Path, path: str) -> subprocess.Popen[bytes]:
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    command = [
        "munged", "--foreground", "--force", f"--socket={folder}/munge.socket",
        f"--key-file={key}", f"--pid-file={folder}/munged.pid", f"--log-file={folder}/munged.log",
        f"--seed-file={folder}/munged.seed",
    ]  # fmt: skip
    process = _started(command, folder / "munged.out", {"PATH": path})
    wait_until((folder / "munge.socket").exists)
    return process


def _started(command: list[str], log: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    with log.open("wb") as out:
        return subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=out, stderr=out,
            start_new_session=True,
        )  # fmt: skip


def _output(command: str, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [command], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    return done.stdout


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
