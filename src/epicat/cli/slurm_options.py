"""The options of submissions to SLURM."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from epicat.errors import InputError
from epicat.slurm.settings import SlurmSettings

__all__ = [
    "Account",
    "AtOnce",
    "Folder",
    "Memory",
    "Sbatch",
    "Secrets",
    "SlurmPartition",
    "SubmissionsFolder",
    "Time",
    "folder_path",
    "refuse",
    "settings_of",
]

_PANEL = "Jobs on SLURM"


def _slurm(help_: str, *names: str, **more: Any) -> Any:
    return typer.Option(*names, help=help_, rich_help_panel=_PANEL, **more)


Folder = Annotated[
    str | None,
    _slurm(
        "Folder of submissions that all nodes see: units, scripts, logs; required with --to slurm.",
        metavar="DIR",
    ),
]
SubmissionsFolder = Annotated[
    str | None,
    _slurm(
        "The last submission to SLURM from this folder, instead of AWS.",
        metavar="DIR",
    ),
]
SlurmPartition = Annotated[
    str | None, _slurm("Partition.  Default: the cluster's.", "--partition", metavar="NAME")
]
Account = Annotated[str | None, _slurm("Account.  Default: the user's.", metavar="NAME")]
Time = Annotated[
    str | None,
    _slurm("Time limit of an attempt in SLURM's notation; default 04:00:00.", metavar="TIME"),
]
Memory = Annotated[int | None, _slurm("Memory of a task in MB; default 4096 for each core.", min=1)]
AtOnce = Annotated[
    int | None, _slurm("Maximum number of tasks of an array that run at once.", min=1)
]
Sbatch = Annotated[
    list[str] | None,
    _slurm("Further option of sbatch, such as --qos=long; repeatable.", metavar="LINE"),
]
Secrets = Annotated[
    str | None,
    _slurm(
        "File with assignments such as EPICAT_STORE=..., readable by you alone, that each task "
        "reads.  The environment's own secrets are not sent to jobs.",
        metavar="FILE",
    ),
]


def settings_of(options: Mapping[str, Any], cores: int | None) -> SlurmSettings:
    """Return the settings of the jobs; raise `InputError` for what SLURM would refuse."""
    given = {
        "partition": options["partition"],
        "account": options["account"],
        "time": options["time"],
        "memory_mb": options["memory"],
        "at_once": options["at_once"],
        "lines": tuple(options["sbatch"] or ()) or None,
        "cores": cores,
        "secrets": _secrets_file(options["secrets"]),
    }
    try:
        return SlurmSettings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        names = {"memory_mb": "memory", "lines": "sbatch", "at_once": "at-once", "cores": "workers"}
        name = names.get(str(first["loc"][0]), str(first["loc"][0]))
        raise InputError(f"--{name} {first['input']!r}: {first['msg']}") from error


def folder_path(folder: str | None) -> Path:
    """Return the folder of submissions; raise `InputError` for a name that a script cannot have."""
    if not folder:
        raise InputError(
            "--to slurm needs --folder DIR: a folder that all nodes see, for units, scripts and "
            "logs"
        )
    path = Path(folder).expanduser().absolute()
    if any(character in str(path) for character in " \t\n%'\"\\$`"):
        raise InputError(
            f"--folder {folder!r}: the path must not contain spaces, quotes, %, $ or backslashes, "
            "which SLURM does not take in the name of a log"
        )
    return path


def refuse(options: Mapping[str, Any], target: str) -> None:
    """Raise `InputError` if an option of another target is given."""
    for name, value in options.items():
        if value not in (None, [], ()):
            raise InputError(f"--{name.replace('_', '-')} is not an option of --to {target}")


def _secrets_file(file: str | None) -> Path | None:
    if file is None:
        return None
    path = Path(file).expanduser().absolute()
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise InputError(f"--secrets {file!r}: {error.strerror}") from error
    if mode & 0o077:
        raise InputError(
            f"--secrets {file!r} can be read by other users of this machine: chmod 600 it first"
        )
    return path
