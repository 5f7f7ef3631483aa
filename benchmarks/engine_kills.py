"""``python -m benchmarks.engine_kills [FOLDER]``: workers are killed at random while they work.

Two days of twelve stations on Dask, whose workers are killed, and on SLURM, whose tasks are
killed, interrupted and cancelled, until there were enough of them.  The campaign is resumed as a
user would (the same command, ``epicat retry``) until nothing is left; then the catalog must be
that of an undisturbed run, row by row: nothing lost, nothing doubled.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks.engine_case import Case, difference, epicat, synthetic, tables_of

_UNITS = ("--stations-per-unit", "1", "--days-per-unit", "1", "--blocks-per-unit", "2")


class Killer:
    """Strikes at random moments, as long as a block lasts, until there were enough strikes."""

    def __init__(self, strikes: Sequence[Callable[[], str]], enough: int, every_s: float) -> None:
        self._strikes = strikes
        self._enough = enough
        self._every_s = every_s
        self._random = random.Random(20)
        self.struck: Counter[str] = Counter()

    @property
    def is_done(self) -> bool:
        return self.struck.total() >= self._enough

    @contextmanager
    def striking(self) -> Iterator[None]:
        over = threading.Event()
        thread = threading.Thread(target=self._run, args=(over,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _run(self, over: threading.Event) -> None:
        while not self.is_done and not over.wait(self._random.expovariate(1 / self._every_s)):
            if what := self._random.choice(self._strikes)():
                self.struck[what] += 1


@dataclass
class Trial:
    """What was done to an engine."""

    stores: list[str] = field(default_factory=list)
    struck: Counter[str] = field(default_factory=Counter)
    commands: int = 0
    """How often the campaign was started or resumed."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine_kills", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="keeps the archive for another time")
    parser.add_argument("--only", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--kills", type=int, default=30, help="on each engine")
    parser.add_argument("--every", type=float, default=2.0, help="mean seconds between two kills")
    parser.add_argument("--days", type=int, default=2)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        root = Path(folder)
        os.environ["EPICAT_CACHE"] = str(root / "cache")
        case = synthetic(asked.folder or root, asked.days)
        epicat("run", str(case.file), "--store", str(root / "undisturbed"))
        expected = tables_of(str(root / "undisturbed"))
        for name in asked.only:
            (root / name).mkdir()
            begin = time.monotonic()
            trial = ENGINES[name](case, root / name, asked.kills, asked.every)
            kinds = ", ".join(f"{count} {what}" for what, count in sorted(trial.struck.items()))
            lost = [difference(tables_of(store), expected) for store in trial.stores]
            print(
                f"{name}: {kinds}; {len(trial.stores)} campaigns, started or resumed "
                f"{trial.commands} times in {time.monotonic() - begin:.0f} s: "
                f"{'; '.join(filter(None, lost)) or '0 rows lost, 0 doubled'}",
                flush=True,
            )


def _on_dask(case: Case, folder: Path, kills: int, every_s: float) -> Trial:
    """Kill worker processes of a local cluster; into other stores until there were enough."""
    from epicat.campaign.file import read_campaign
    from epicat.campaign.options import CampaignOptions
    from epicat.campaign.parse import make_options
    from epicat.campaign.resolve import resolve
    from epicat.pipeline.dask.cluster import connected
    from epicat.pipeline.dask.executor import DaskExecutor
    from epicat.pipeline.runner import run
    from epicat.pipeline.stream import StreamedPlan
    from epicat.store.open import open_store

    given = make_options(CampaignOptions, read_campaign(case.file))
    partition = given.partition.model_copy(update={"days_per_unit": 1, "blocks_per_unit": 2})
    trial = Trial()
    while trial.struck.total() < kills:
        location = str(folder / f"store-{len(trial.stores)}")
        trial.stores.append(location)
        campaign = resolve(given.model_copy(update={"store": location}))
        store = open_store(location, create=True)
        with connected(None, 2, print) as cluster:
            strike = partial(_kill_dask_worker, cluster.local_processes)
            killer = Killer([strike], kills - trial.struck.total(), every_s)
            while not (plan := StreamedPlan.from_store(campaign, partition, store, recheck=False)
                       ).is_empty:  # fmt: skip
                trial.commands += 1
                with killer.striking():
                    make = partial(DaskExecutor, cluster, campaign, print)
                    run(campaign, plan, store, make, _Silent())
        trial.struck += killer.struck
    return trial


class _Silent:
    def planned(self, plan: object) -> None: ...

    def finished(self, outcome: object) -> None: ...


def _kill_dask_worker(processes: Callable[[], list[int]]) -> str:
    return _killed(processes(), "workers killed")


def _on_slurm(case: Case, folder: Path, kills: int, every_s: float) -> Trial:
    """Kill, interrupt and cancel tasks; retry into the same store, and then into others."""
    from support import slurm_cluster

    trial = Trial()
    with (
        tempfile.TemporaryDirectory(prefix="slurm-", ignore_cleanup_errors=True) as place,
        slurm_cluster.serving(Path(place, "cluster")) as cluster,
    ):
        os.environ.update(cluster.environment)
        while trial.struck.total() < kills:
            store = str(folder / f"store-{len(trial.stores)}")
            jobs = ("--folder", str(folder / f"jobs-{len(trial.stores)}"))
            trial.stores.append(store)
            words = ("--store", store, "--to", "slurm", *jobs, "--at-once", "2", "--memory", "2000")
            strikes = [partial(strike, cluster.run, jobs[1]) for strike in _SLURM_STRIKES]
            killer = Killer(strikes, kills - trial.struck.total(), every_s)
            command = ["submit", str(case.file), *words, *_UNITS]
            while json.loads(epicat(*command, "--json"))["jobs"]:
                trial.commands += 1
                with killer.striking():
                    _watch(cluster.run, jobs)
                command = ["retry", *jobs]
            trial.struck += killer.struck
    return trial


def _watch(run: Callable[..., str], jobs: Sequence[str]) -> None:
    """Wait for the end of a submission; SLURM would start a requeued task after two minutes."""
    while True:
        begin = run("squeue", "-h", "-r", "-t", "PENDING", "-o", "%i|%r").split()
        for task in (line.partition("|")[0] for line in begin if line.endswith("BeginTime")):
            with suppress(AssertionError):  # it has begun meanwhile
                run("scontrol", "update", f"jobid={task}", "starttime=now")
        if json.loads(epicat("status", *jobs, "--json", accepted=(0, 1)))["is_over"]:
            return
        time.sleep(1)


def _kill_task(_: Callable[..., str], folder: str) -> str:
    """Kill a process that works on a unit: the one that leads, or one that computes."""
    leaders = [process for process, words in _processes() if " work " in words and folder in words]
    children = [process for leader in leaders for process in _children(leader)]
    return _killed([*leaders, *children], "processes of tasks killed")


def _interrupt_task(run: Callable[..., str], _: str) -> str:
    return _signalled(run, ("--signal=TERM", "--batch"), "tasks interrupted")


def _cancel_task(run: Callable[..., str], _: str) -> str:
    return _signalled(run, (), "tasks cancelled")


_SLURM_STRIKES = (_kill_task, _kill_task, _interrupt_task, _cancel_task)


def _signalled(run: Callable[..., str], options: Sequence[str], what: str) -> str:
    tasks = run("squeue", "-h", "-r", "-t", "RUNNING", "-o", "%i").split()
    if not tasks:
        return ""
    with suppress(AssertionError):  # it has ended meanwhile
        run("scancel", *options, random.choice(tasks))
        return what
    return ""


def _killed(processes: Sequence[int], what: str) -> str:
    if not processes:
        return ""
    with suppress(ProcessLookupError):
        os.kill(random.choice(processes), signal.SIGKILL)
        return what
    return ""


def _processes() -> Iterator[tuple[int, str]]:
    """Yield the processes of this machine with their command lines."""
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            with suppress(OSError):
                words = (process / "cmdline").read_bytes().decode(errors="replace")
                yield int(process.name), words.replace("\0", " ")


def _children(process: int) -> list[int]:
    with suppress(OSError):
        text = Path(f"/proc/{process}/task/{process}/children").read_text()
        return [int(word) for word in text.split()]
    return []


ENGINES = {"dask": _on_dask, "slurm": _on_slurm}


if __name__ == "__main__":
    main()
