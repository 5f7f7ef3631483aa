"""The batch script of an array."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass

from epicat.pipeline.jobs.job_arrays import JobArray
from epicat.slurm.settings import SlurmSettings

__all__ = ["Script"]

_BODY = """\
# Attempt 1, 2, ...: SLURM counts how often it has started this task again.
attempt=$((${{SLURM_RESTART_COUNT:-0}} + 1))
task=${{SLURM_ARRAY_JOB_ID}}_$SLURM_ARRAY_TASK_ID

stopped=0 child=
trap 'stopped=1; kill -TERM $child 2>/dev/null' TERM
{secrets}{command} \\
    --index "$SLURM_ARRAY_TASK_ID" --attempt "$attempt" & child=$!
[ "$stopped" -eq 1 ] && kill -TERM "$child" 2>/dev/null

# A signal interrupts `wait`, which then returns 128 + its number: wait again for the real status.
wait "$child"; code=$?
while [ "$code" -gt 128 ]; do
    kill -0 "$child" 2>/dev/null; gone=$?
    wait "$child"; code=$?
    [ "$gone" -ne 0 ] && break
done
# The signal may have come before the worker could handle it.
[ "$stopped" -eq 1 ] && [ "$code" -gt 128 ] && code=75
: > {ended}/"$SLURM_ARRAY_TASK_ID.$attempt.$code.$SECONDS"

# 75: interrupted, or another attempt may succeed.  A cancelled task is not requeued.
if [ "$code" -eq 75 ] && [ "$attempt" -lt {tries} ] &&
    scontrol --oneliner show job "$task" | grep -q ' JobState=RUNNING '; then
    scontrol requeue "$task" && sleep 60
fi
exit "$code"
"""


@dataclass(frozen=True, slots=True)
class Script:
    """Makes the batch scripts of a submission."""

    folder: str
    """Folder of the submission, which all nodes see."""
    name: str
    """Name of the submission."""
    settings: SlurmSettings
    """What the jobs ask of the cluster."""
    strict: bool = False
    """Whether a failed unit fails its window."""

    @property
    def logs(self) -> str:
        """Folder of the logs: one folder per array, one file per task."""
        return f"{self.folder}/logs"

    @property
    def ended(self) -> str:
        """Folder of the ended attempts: one folder per array, one empty file per attempt."""
        return f"{self.folder}/ended"

    def job_name(self, array: str) -> str:
        """Return the name of an array's job, which no other job has."""
        return f"epicat-{self.name}-{array}"

    def text(self, array: JobArray) -> str:
        """Return the script of an array."""
        secrets = self.settings.secrets
        body = _BODY.format(
            secrets=f"set -a; . {shlex.quote(str(secrets))}; set +a\n" if secrets else "",
            command=shlex.join(self._command(array)),
            ended=shlex.quote(f"{self.ended}/{array.name}"),
            tries=self.settings.tries,
        )
        options = "".join(f"#SBATCH {option}\n" for option in self._options(array))
        return f"#!/bin/bash\n{options}\n{body}"

    def _options(self, array: JobArray) -> list[str]:
        settings = self.settings
        at_once = f"%{settings.at_once}" if settings.at_once else ""
        named = {"partition": settings.partition, "account": settings.account}
        return [
            f"--job-name={self.job_name(array.name)}",
            f"--array=0-{len(array.units) - 1}{at_once}",
            *(f"--{name}={value}" for name, value in named.items() if value),
            "--nodes=1",
            "--ntasks=1",
            f"--cpus-per-task={settings.cores}",
            f"--mem={settings.memory}M",
            f"--time={settings.time}",
            "--requeue",
            "--signal=B:TERM@120",
            "--open-mode=append",
            f"--output={self.logs}/{array.name}/%a.log",
            *settings.lines,
        ]

    def _command(self, array: JobArray) -> list[str]:
        settings = self.settings
        strict = ["--strict"] if self.strict else []
        return [
            sys.executable, "-m", "epicat", "work", "--plan", f"{self.folder}/{array.name}.units",
            "--workers", str(settings.cores), "--time-limit", str(settings.unit_limit_s),
            "--tries", str(settings.tries), *strict,
        ]  # fmt: skip
