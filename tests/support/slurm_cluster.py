"""A real SLURM cluster of one node on this machine, for one process of tests.

It needs root and Debian's packages slurmctld, slurmd, slurm-client and munge; with accounts also
slurmdbd, slurm-wlm-mysql-plugin and mariadb-server (see .ci/slurm).
Everything, munge included, is private: folders, ports, key and socket.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel", "munged")
ACCOUNTANTS = ("slurmdbd", "sacctmgr", "sacct", "mariadbd", "mariadb-install-db")
PACKAGES = "slurmctld slurmd slurm-client munge slurmdbd slurm-wlm-mysql-plugin mariadb-server"
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
{accounting}
JobAcctGatherType=jobacct_gather/none
MaxArraySize={most}
MinJobAge=2
KillWait=2
ReturnToService=2
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs=3 RealMemory=64000 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
"""


_NO_ACCOUNTS = "AccountingStorageType=accounting_storage/none"
_ACCOUNTS = """\
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={port}
AccountingStoragePass={folder}/munge.socket"""
_ACCOUNTANT = """\
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
DbdHost={host}
DbdAddr=127.0.0.1
DbdPort={ports[0]}
SlurmUser=root
PidFile={folder}/slurmdbd.pid
LogFile={folder}/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={ports[1]}
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm_acct
"""
_GRANT = """\
CREATE DATABASE IF NOT EXISTS slurm_acct;
GRANT ALL ON slurm_acct.* TO 'slurm'@'%' IDENTIFIED BY 'slurm';
GRANT ALL ON slurm_acct.* TO 'slurm'@'localhost' IDENTIFIED BY 'slurm';
"""


def missing(programs: Sequence[str] = PROGRAMS) -> str:
    """Return why there can be no cluster here; empty if there can."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    absent = [name for name in programs if shutil.which(name, path=path) is None]
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
def serving(folder: Path, *, accounts: bool = False) -> Iterator[SlurmCluster]:
    """Start a cluster, with or without accounts, and stop its daemons at the end."""
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    folder.chmod(0o755)
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    host = socket.gethostname().partition(".")[0]
    config = folder / "slurm.conf"
    *ports, port, database = _free_ports(4)
    accounting = _ACCOUNTS.format(port=port, folder=folder) if accounts else _NO_ACCOUNTS
    config.write_text(
        _CONFIG.format(
            host=host, folder=folder, ports=ports, most=MOST_TASKS, accounting=accounting
        )
    )
    environment = {"PATH": path, "SLURM_CONF": str(config)}
    started = []
    try:
        started.append(_munged(folder, path))
        if accounts:
            started += _accountants(folder, host, (port, database), environment)
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


def _accountants(
    folder: Path, host: str, ports: tuple[int, int], environment: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a database and the daemon that keeps accounts in it."""
    data, grant = folder / "database", folder / "grant.sql"
    grant.write_text(_GRANT)
    install = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--user=root",
               "--auth-root-authentication-method=normal", "--skip-test-db"]  # fmt: skip
    subprocess.run(install, env={**os.environ, **environment}, check=True, capture_output=True)
    server = [
        "mariadbd", "--no-defaults", f"--datadir={data}", "--user=root", f"--port={ports[1]}",
        "--bind-address=127.0.0.1", f"--socket={folder}/mysql.socket", f"--init-file={grant}",
        f"--pid-file={folder}/mariadbd.pid",
    ]  # fmt: skip
    yield _started(server, folder / "mariadbd.out", environment)
    wait_until((folder / "mysql.socket").exists)
    config = folder / "slurmdbd.conf"
    config.write_text(_ACCOUNTANT.format(folder=folder, host=host, ports=ports))
    config.chmod(0o600)
    yield _started(["slurmdbd", "-D"], folder / "slurmdbd.out", environment)
    wait_until(lambda: "tests" in _output("sacctmgr -n -i add cluster tests", environment)
               or "tests" in _output("sacctmgr -n show cluster", environment))  # fmt: skip


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
        command.split(),
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
