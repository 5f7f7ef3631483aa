"""Settings of the jobs of a submission: partition, time, memory."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

__all__ = ["DEFAULT_MEMORY_MB", "DEFAULT_TIME", "SlurmSettings", "seconds_of"]

DEFAULT_TIME: Final = "04:00:00"
DEFAULT_MEMORY_MB: Final = 4096
"""Memory for each core of a task in MB."""

_SPARE_S = 240
_TIME = re.compile(r"(?:(?P<days>\d+)-)?(?P<first>\d+)(?::(?P<second>\d+))?(?::(?P<third>\d+))?")
_WORD = re.compile(r"[\w.,+@/=:-]+")


def seconds_of(time: str) -> int:
    """Return the seconds of a time limit in SLURM's notation; raise ValueError if it is not one.

    SLURM takes minutes, minutes:seconds, hours:minutes:seconds, days-hours, days-hours:minutes
    and days-hours:minutes:seconds.

    Examples
    --------
    >>> [seconds_of(time) for time in ("30", "1:30", "02:00:00", "1-12", "1-0:30")]
    [1800, 90, 7200, 129600, 88200]

    """
    found = _TIME.fullmatch(time)
    if found is None:
        raise ValueError(time)
    days, *parts = (None if part is None else int(part) for part in found.groups())
    given = [part for part in parts if part is not None]
    scales = (3600, 60, 1) if days is not None or len(given) == 3 else (60, 1, 0)
    total = (days or 0) * 86400 + sum(n * scale for n, scale in zip(given, scales, strict=False))
    if total <= 0:
        raise ValueError(time)
    return total


def _is_time(text: str) -> str:
    try:
        seconds_of(text)
    except ValueError as error:
        raise PydanticCustomError(
            "time", "not a time limit of SLURM, such as 04:00:00 or 1-12:00:00"
        ) from error
    return text


def _is_word(text: str) -> str:
    if not _WORD.fullmatch(text):
        raise PydanticCustomError("word", "a name of SLURM has no spaces or quotes")
    return text


def _is_line(text: str) -> str:
    if "\n" in text or not text.startswith("-"):
        raise PydanticCustomError("line", "an option of sbatch in one line, such as --qos=normal")
    return text


class SlurmSettings(BaseModel):
    """What the jobs of a submission ask of the cluster."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    partition: Annotated[str, AfterValidator(_is_word)] | None = None
    """Partition; None: the cluster's default."""
    account: Annotated[str, AfterValidator(_is_word)] | None = None
    """Account that is charged; None: the user's default."""
    time: Annotated[str, AfterValidator(_is_time)] = DEFAULT_TIME
    """Time limit of an attempt, in SLURM's notation."""
    memory_mb: int | None = Field(default=None, ge=1)
    """Memory of a task in MB; None: `DEFAULT_MEMORY_MB` for each core."""
    at_once: int | None = Field(default=None, ge=1)
    """Maximum number of tasks of an array that run at once; None: no limit."""
    lines: tuple[Annotated[str, AfterValidator(_is_line)], ...] = ()
    """Further options of ``sbatch``."""
    cores: int = Field(default=1, ge=1)
    """Cores of a task, each with one worker process."""
    tries: int = Field(default=3, ge=1)
    """Attempts of a unit."""
    secrets: Path | None = None
    """File with assignments that each task reads; None: tasks need no secrets."""

    @property
    def memory(self) -> int:
        """Memory of a task in MB."""
        return self.memory_mb or DEFAULT_MEMORY_MB * self.cores

    @property
    def unit_limit_s(self) -> int:
        """Time limit of a unit in seconds: short enough to record that it was exceeded."""
        limit = seconds_of(self.time)
        return max(limit - _SPARE_S, limit // 2)
