"""The progress of a run on stderr: bars on a terminal, else a line each minute."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

from epicat.cli.messages import report
from epicat.cli.progress_counts import StageCount, format_duration
from epicat.ledger import Stage

if TYPE_CHECKING:
    from epicat.pipeline.outcome import FinishedKey, Outcome
    from epicat.pipeline.runner import Plan
    from epicat.pipeline.stream import StreamedPlan

__all__ = ["RunProgress"]

_EARLY: Final = 10
"""Station-days after which a run without any data is reported."""
_MINUTE_S: Final = 60.0
_WORDS: Final[Mapping[Stage, tuple[str, str, str]]] = {
    Stage.PICK: ("picking", "station-days", "picks"),
    Stage.ASSOCIATE: ("associating", "blocks", "events"),
}
"""What a stage does, with what, and what it finds."""


class RunProgress:
    """Counts what a run has done, and shows it; a `Listener` and `KeyListener`."""

    def __init__(
        self,
        plan: Plan | StreamedPlan,
        warn: Callable[[Counter[str]], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``warn`` is called once if the first station-days have no data, with their statuses."""
        self._counts: dict[Stage, StageCount] = {}
        if plan.station_days:
            self._counts[Stage.PICK] = StageCount(plan.n_keys(Stage.PICK))
        if plan.n_keys(Stage.ASSOCIATE) or not plan.n_keys(Stage.PICK):
            self._counts[Stage.ASSOCIATE] = StageCount(plan.n_keys(Stage.ASSOCIATE))
        self._clock = clock
        self._warn: Callable[[Counter[str]], None] | None = None if plan.done_before else warn
        self._statuses: dict[str, str] = {}  # of units that are running
        self._of_units: Counter[str] = Counter()
        self._display: _Display = (
            _Nothing() if plan.is_empty else _Bars(self) if sys.stderr.isatty() else _Lines(self)
        )

    def __enter__(self) -> Self:
        self._display.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._display.stop()

    def planned(self, plan: Plan | StreamedPlan) -> None:
        """Ignore the plan: it is already shown."""
        del plan

    def key_finished(self, finished: FinishedKey) -> None:
        """Count a station-day or a block."""
        if finished.stage in self._counts:
            count = self._counts[finished.stage]
            count.add_key(self._clock(), finished.key, finished.n_rows)
            if finished.stage == Stage.PICK:
                self._statuses[finished.key] = finished.status
                self._check_data()
            self._display.update()

    def finished(self, outcome: Outcome) -> None:
        """Count a unit."""
        unit = outcome.unit
        if unit.stage in self._counts:
            self._counts[unit.stage].add_unit(self._clock(), unit.keys, outcome.n_rows)
            if unit.stage == Stage.PICK:
                for key in unit.keys:
                    self._statuses.pop(key, None)
                self._of_units.update(outcome.statuses)
                self._check_data()
            self._display.update()

    def _check_data(self) -> None:
        """Warn once, early in a campaign, that no station-day has data."""
        from epicat.pipeline.runner import is_without_data

        if self._warn is None:
            return
        statuses = self._of_units + Counter(self._statuses.values())
        if not is_without_data(statuses):
            self._warn = None
        elif statuses.total() >= _EARLY:
            self._warn(statuses)
            self._warn = None

    def rows(self) -> list[tuple[str, int, int, str]]:
        """Return of each stage its name, finished keys, all keys, and what to say of them."""
        found = []
        for stage, count in self._counts.items():
            words, keys, rows = _WORDS[stage]
            left = count.left_s(self._clock())
            about = f", about {format_duration(left)} left" if left is not None else ""
            found.append((words, count.done, count.total,
                          f"{keys}, {count.rows:,} {rows}{about}"))  # fmt: skip
        return found


class _Display(Protocol):
    def start(self) -> None: ...
    def update(self) -> None: ...
    def stop(self) -> None: ...


class _Nothing:
    def start(self) -> None: ...
    def update(self) -> None: ...
    def stop(self) -> None: ...


class _Bars:
    """A bar for each stage on a terminal."""

    def __init__(self, progress: RunProgress) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self._progress = progress
        self._bars = Progress(
            TextColumn("{task.description:<11}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[about]}"),
            console=Console(stderr=True),
        )
        self._tasks: dict[str, Any] = {
            words: self._bars.add_task(words, total=total, about=about)
            for words, _, total, about in progress.rows()
        }

    def start(self) -> None:
        self._bars.start()

    def update(self) -> None:
        for words, done, _, about in self._progress.rows():
            self._bars.update(self._tasks[words], completed=done, about=about)

    def stop(self) -> None:
        self.update()
        self._bars.stop()


class _Lines:
    """A line each minute, for logs; also while nothing is finished."""

    def __init__(self, progress: RunProgress) -> None:
        self._progress = progress
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def update(self) -> None: ...

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(_MINUTE_S):
            rows = self._progress.rows()
            report("; ".join(f"{words} {done:,} of {total:,} {about}"
                             for words, done, total, about in rows))  # fmt: skip
