"""A tiny campaign on the command line, a fault that strikes it, and the verdict."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from epicat.campaign.options import Partition
from epicat.ledger import Status
from epicat.pipeline.executors import Serial
from epicat.pipeline.outcome import Outcome
from epicat.pipeline.runner import Plan, make_plan
from epicat.pipeline.runner import run as do
from epicat.store.base import Store
from epicat.store.open import find_store, open_store
from epicat.store.verify.verify import verify_store
from faults.campaigns import FLAT, asked, prepare
from faults.rows import table_rows
from faults.trial import difference
from support.tiny_network import settled

__all__ = ["Bed", "Case", "Done", "Run", "Skipped", "Verdict"]

_LONGEST_S = 300.0
_EPICAT = [sys.executable, "-m", "epicat"]


class Skipped(Exception):  # noqa: N818 - no error: a fault that this machine cannot have
    """The fault cannot be tried on this machine; says why."""


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    code: int
    """Its exit code."""
    told: str
    """What it wrote to stderr."""


@dataclass(slots=True)
class Run:
    """How to run the campaign: what is different from a machine on which all is well."""

    store: Path
    """The store."""
    more: tuple[str, ...] = ()
    """Further arguments."""
    days: Mapping[str, str] = field(default_factory=dict)
    """Other days: ``start``, ``end``."""
    environment: Mapping[str, str | None] = field(default_factory=dict)
    """Variables to set; None takes one away."""
    limit: Callable[[], None] | None = None
    """Called in the process before the command begins."""


@dataclass(frozen=True, slots=True)
class Case:
    """One fault."""

    what: str
    """What it is, in a few words."""
    strike: Callable[[Bed, Run], Done]
    """Runs the campaign while it strikes, then takes the fault away.  May raise `Skipped`."""
    codes: frozenset[int] = frozenset({0})
    """Exit codes that are right."""
    words: str = ""
    """What must be told if the code is not 0."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a fault cost."""

    why: str
    """What was not as it should be; nothing if all was."""
    lost: int = 0
    """Rows that are missing in the end."""
    doubled: int = 0
    """Rows that are too many in the end."""

    @property
    def is_well(self) -> bool:
        """Whether it cost nothing and was told."""
        return not (self.why or self.lost or self.doubled)


class Bed:
    """A campaign's waveforms, and what its catalog should be."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = environment
        self._cases = 0
        if why := self._again(Run(folder / "right")):
            raise RuntimeError(f"the campaign fails without any fault: {why}")
        self._right = _rows(find_store(str(folder / "right")))

    @classmethod
    @contextmanager
    def made(cls, folder: Path) -> Iterator[Bed]:
        """Make the waveforms and run the campaign once without any fault."""
        before = os.environ.get("EPICAT_CACHE")
        os.environ["EPICAT_CACHE"] = str(folder / "cache")  # where the tests' model is put
        try:
            prepare(folder)
            yield cls(folder, {**os.environ, "OMP_NUM_THREADS": "1"})
        finally:
            os.environ.pop("EPICAT_CACHE")
            if before is not None:
                os.environ["EPICAT_CACHE"] = before

    @property
    def cache(self) -> Path:
        """The folder of compiled models."""
        return self._folder / "cache"

    def command(self, run: Run) -> list[str]:
        """Return the command of a campaign."""
        given = {"store": str(run.store), **run.days}
        return [*_EPICAT, *asked(self._folder, "--workers", "1", *run.more, **given)]

    def begun(self, run: Run) -> subprocess.Popen[str]:
        """Begin the campaign."""
        changed = {**self._environment, **run.environment}
        return subprocess.Popen(
            self.command(run),
            env={name: value for name, value in changed.items() if value is not None},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            preexec_fn=run.limit,  # noqa: PLW1509 - no threads are running here
        )

    def ended(self, process: subprocess.Popen[str]) -> Done:
        """Wait until it ends."""
        try:
            _, told = process.communicate(timeout=_LONGEST_S)
        except subprocess.TimeoutExpired:
            process.kill()
            _, told = process.communicate()
            return Done(-1, f"hangs: {told}")
        return Done(process.returncode, told)

    def run(self, run: Run) -> Done:
        """Run the campaign to its end."""
        return self.ended(self.begun(run))

    def _again(self, run: Run) -> str:
        """Run it in this process, where all is well; say what is wrong all the same."""
        campaign = settled(self._folder, run.store, **run.days, flat_response=(FLAT,))
        store = open_store(str(run.store), create=True)
        plan = make_plan(campaign, Partition(), store, recheck=False)
        made = do(campaign, plan, store, lambda: Serial(campaign), _Silent())
        return f"the run after it fails: {made.failures}" if made.has_failures else ""

    def judge(self, case: Case) -> Verdict:
        """Let a fault strike, then run the campaign where all is well."""
        self._cases += 1
        run = Run(self._folder / f"case{self._cases}" / "store")
        done = case.strike(self, run)
        # A station-day's or a block's own trouble is told in the ledger.
        why = _unclear(case, replace(done, told="\n".join([*_reasons(run), done.told])))
        again = self._again(run)
        why = why or again
        store = find_store(str(run.store))
        lost, doubled = difference(self._right, _rows(store))
        found = verify_store(store).findings if store else None
        if found is not None and not found.is_healthy:
            kinds = ", ".join(finding.kind.value for finding in found.all())
            why = why or f"epicat doctor finds {kinds}"
        return Verdict(why, lost, doubled)


class _Silent:
    """Listens to a run and says nothing."""

    def planned(self, plan: Plan) -> None:
        pass

    def finished(self, outcome: Outcome) -> None:
        pass


def _unclear(case: Case, done: Done) -> str:
    """Say what is wrong with how a command ended."""
    if done.code not in case.codes:
        return f"leaves with {done.code}: {_last(done.told)}"
    if "Traceback" in done.told:
        return f"a traceback: {_last(done.told)}"
    if done.code and not re.search(case.words, done.told):
        return f"does not report {case.words!r}: {_last(done.told)}"
    return ""


def _reasons(run: Run) -> list[str]:
    """Return why keys have failed, as the ledger says it."""
    store = find_store(str(run.store))
    entries = store.ledger() if store else []
    return [entry.reason for entry in entries if entry.status == Status.FAILED]


def _last(told: str) -> str:
    return (told.strip().splitlines() or ["nothing told"])[-1][:200]


def _rows(store: Store | None) -> list[str]:
    """Return the rows of a store's tables.  Not its ledger: some cases have other days, too."""
    return list(table_rows(store)) if store else []
