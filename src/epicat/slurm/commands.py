"""Run the commands of SLURM: ``sbatch``, ``squeue``, ``scancel``, ``scontrol``, ``sacct``."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping

from epicat.errors import ClusterError, InputError

__all__ = ["cluster_config", "public_environment", "slurm", "this_user"]

_TIMEOUT_S = 120.0
_SECRETS = frozenset({
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN",
    "EPICAT_STORE",
})  # fmt: skip


def slurm(*command: str, env: Mapping[str, str] | None = None, text: str | None = None) -> str:
    """Run a command of SLURM and return its standard output.

    ``text`` is its standard input.  Raises `InputError` if it is not installed, and `ClusterError`
    with its message if it fails or does not end.
    """
    path = shutil.which(command[0])
    if path is None:
        raise InputError(
            f"{command[0]} was not found: run this on a login node of the SLURM cluster"
        )
    try:
        done = subprocess.run(  # noqa: S603  # nosec B603 - a command of SLURM, no shell
            [path, *command[1:]], input=text, env=env, capture_output=True, text=True,
            timeout=_TIMEOUT_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise ClusterError(f"{command[0]} did not answer within {_TIMEOUT_S:g} s") from error
    if done.returncode:
        raise ClusterError(f"{command[0]} failed: {_message(done.stderr) or done.returncode}")
    return done.stdout


def cluster_config() -> dict[str, str]:
    """Return the configuration of the cluster, as ``scontrol show config`` prints it."""
    lines = (line.partition("=") for line in slurm("scontrol", "show", "config").splitlines())
    return {name.strip(): value.strip() for name, is_setting, value in lines if is_setting}


def public_environment(more: Iterable[str] = ()) -> dict[str, str]:
    """Return the environment without secrets and without variables in ``more``.

    ``sbatch`` sends the environment over the network and keeps it on the controller's disk.
    """
    hidden = _SECRETS.union(more)
    return {name: value for name, value in os.environ.items() if name not in hidden}


def this_user() -> str:
    """Return the user's number, which ``squeue`` takes for a name."""
    return str(os.getuid())


def _message(stderr: str) -> str:
    """Return the lines of an error in one, without the name of the command."""
    lines = (line.strip().partition(": error: ") for line in stderr.splitlines())
    return "; ".join(text or whole for whole, _, text in lines if text or whole)
