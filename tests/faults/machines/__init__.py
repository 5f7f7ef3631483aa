"""Full, slow and hostile machines: what they cost a campaign beyond a message.

Each fault strikes a whole campaign on the command line.  Then the same command runs on a machine
where all is well, and the rows must be those of a campaign that nothing ever happened to.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from faults.machines.bed import Bed, Case, Skipped, Verdict
from faults.machines.clocks import clock_cases
from faults.machines.disks import disk_cases
from faults.machines.limits import limit_cases
from faults.machines.memory import memory_trial
from faults.machines.surroundings import surrounding_cases
from faults.machines.workers import worker_cases
from faults.trial import Form, Trial

__all__ = ["GROUPS", "trials"]

GROUPS = {
    "disk full, read-only or gone": disk_cases,
    "limits on files, memory and descriptors": limit_cases,
    "workers killed for their memory": worker_cases,
    "clock set back and forward": clock_cases,
    "odd surroundings": surrounding_cases,
}


def trials(form: Form, folder: Path) -> Iterator[Trial]:
    """Yield a trial of each group of faults, and one of the memory that a unit takes."""
    with Bed.made(folder) as bed:
        for what, cases in GROUPS.items():
            yield _trial(what, list(cases(form)), bed)
    yield memory_trial(form, folder / "memory")


def _trial(what: str, cases: Sequence[Case], bed: Bed) -> Trial:
    begin = time.monotonic()
    verdicts: list[Verdict] = []
    remarks = []
    for case in cases:
        try:
            verdict = bed.judge(case)
        except Skipped as reason:
            remarks.append(f"{case.what} not tried: {reason}")
            continue
        verdicts.append(verdict)
        if not verdict.is_well:
            remarks.append(f"{case.what}: {verdict.why}")
    return Trial(
        what=what,
        tried=len(verdicts),
        survived=sum(verdict.is_well for verdict in verdicts),
        lost=sum(verdict.lost for verdict in verdicts),
        doubled=sum(verdict.doubled for verdict in verdicts),
        seconds=time.monotonic() - begin,
        remark="; ".join(remarks),
    )
