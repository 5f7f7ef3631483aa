"""Show the status of submitted jobs, once or until they finish."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import typer

from epicat.cli.messages import aligned, report

if TYPE_CHECKING:
    from epicat.pipeline.jobs.job_progress import JobProgress, LedgerCounts
    from epicat.pipeline.jobs.submission_record import BaseRecord, Job
    from epicat.store.base import ReadableStore

__all__ = ["Amount", "SubmittedJobs", "jobs_table", "show_jobs", "started_s"]

_MOST_KEYS = 1_000_000
_MOST_LINES = 30
_LEDGER_SHARE = 10
_WIDTH = 80


@dataclass(frozen=True, slots=True)
class Amount:
    """What jobs have used so far."""

    unit: str
    """``dollars`` or ``core_hours``, as in the JSON."""
    value: float
    """The number."""
    text: str
    """The number with its unit, for people."""


class SubmittedJobs(Protocol):
    """The jobs of a submission on their target."""

    @property
    def record(self) -> BaseRecord:
        """The record of the submission."""
        ...

    @property
    def folder(self) -> str:
        """Words that name the submission's place in a command: ``--folder DIR``, or empty."""
        ...

    def progress(self) -> list[JobProgress]:
        """Return the progress of each job."""
        ...

    def open_store(self) -> ReadableStore:
        """Return the store, with valid credentials."""
        ...

    def used(self, lines: list[JobProgress], found: LedgerCounts | None) -> Amount:
        """Return what the jobs have used so far."""
        ...


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """The state of the jobs and the ledger at one moment."""

    record: BaseRecord
    lines: list[JobProgress]
    found: LedgerCounts | None
    seconds: float
    used: Amount

    @property
    def is_over(self) -> bool:
        return all(line.is_over for line in self.lines)

    @property
    def failed(self) -> int:
        """Number of failed jobs."""
        return sum(line.counts.get("failed", 0) for line in self.lines)

    @property
    def left_s(self) -> float | None:
        """Estimated remaining time in seconds; None if unknown."""
        from epicat.pipeline.jobs.job_progress import share_done

        share = share_done(self.lines, self.found.station_days if self.found else 0)
        return self.seconds * (1 - share) / share if share else None


def show_jobs(jobs: SubmittedJobs, *, interval: float | None, as_json: bool) -> None:
    """Show the jobs of a submission; with ``interval``, until all have ended.

    Exits with status 1 if some have failed by then.
    """
    ledger = _Ledger(jobs)
    snapshot = _snapshot(jobs, ledger) if interval is None else _watched(jobs, ledger, interval)
    if as_json:
        typer.echo(json.dumps(_as_json(snapshot)))
    else:
        for line in (*jobs_table(snapshot.lines), *_summary(snapshot)):
            typer.echo(line)
    failed = snapshot.failed + (snapshot.found.failed if snapshot.found else 0)
    if failed and snapshot.is_over:
        place = jobs.folder
        report(
            f"some work failed: `epicat logs{place} UNIT` shows the reason, `epicat retry{place}` "
            "retries it"
        )
    if failed and interval is not None:
        raise typer.Exit(1)


def _watched(jobs: SubmittedJobs, ledger: _Ledger, interval: float) -> _Snapshot:
    """Poll until all jobs have ended; show them on stderr if it is a terminal."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(stderr=True)
    try:
        with Live(console=console, auto_refresh=False, transient=True) as live:
            while True:
                snapshot = _snapshot(jobs, ledger)
                if snapshot.is_over:
                    return snapshot
                if console.is_terminal:
                    shown = "\n".join((*jobs_table(snapshot.lines), *_summary(snapshot)))
                    live.update(Text(shown, no_wrap=True), refresh=True)
                time.sleep(interval)
    except KeyboardInterrupt:
        report(f"the jobs keep running; `epicat cancel{jobs.folder}` cancels them")
        raise


def _snapshot(jobs: SubmittedJobs, ledger: _Ledger) -> _Snapshot:
    lines = jobs.progress()
    is_over = all(line.is_over for line in lines)
    start_s = started_s(jobs.record.time, lines)
    ended = max((line.stopped_ms for line in lines if line.stopped_ms), default=None)
    end_s = ended / 1000 if is_over and ended else time.time()
    found = ledger.found(now=is_over)
    seconds = max(end_s - start_s, 1e-3)
    return _Snapshot(jobs.record, lines, found, seconds, jobs.used(lines, found))


def started_s(submitted: datetime, lines: Sequence[JobProgress]) -> float:
    """Return when the first unit started; when the jobs were submitted, if that is forgotten."""
    begun = [line.started_ms for line in lines if line.started_ms or line.stopped_ms]
    known = [started for started in begun if started]
    return min(known) / 1000 if known and len(known) == len(begun) else submitted.timestamp()


class _Ledger:
    """The counts in the store's ledger, read from time to time."""

    def __init__(self, jobs: SubmittedJobs) -> None:
        self._jobs = jobs
        self._record = jobs.record
        self._found: LedgerCounts | None = None
        self._next = 0.0
        self._is_large = sum(job.keys for job in jobs.record.jobs) > _MOST_KEYS
        if self._is_large:
            report(
                f"more than {_MOST_KEYS:,} keys: picks and events are not counted while jobs run"
            )

    def found(self, *, now: bool) -> LedgerCounts | None:
        """Return recent counts; None for a campaign that is too large."""
        if not self._is_large and (now or time.monotonic() >= self._next):
            begin = time.monotonic()
            self._found = self._read()
            self._next = begin + _LEDGER_SHARE * (time.monotonic() - begin)
        return self._found

    def _read(self) -> LedgerCounts:
        from epicat.ledger import Stage
        from epicat.pipeline.jobs.job_progress import count_entries

        store = self._jobs.open_store()
        return count_entries(
            store.ledger(Stage.PICK, self._record.run),
            store.ledger(Stage.ASSOCIATE, self._record.associator),
            round(self._record.time.timestamp() * 1e9),
            measured=store.ledger(Stage.MEASURE),
            located=[*store.ledger(Stage.LOCATE), *store.ledger(Stage.MAGNITUDE)],
            pending=_pending(store, self._record.run),
        )


def _pending(store: ReadableStore, run: str) -> Callable[[Iterable[str]], int]:
    """Return a function that counts the station-days in the journal of a store that has one."""
    from epicat.store.journal import count_kept

    return partial(count_kept, store, run)


def jobs_table(lines: Sequence[JobProgress]) -> Iterator[str]:
    """Yield the lines of a table: active and failed jobs, as many as fit."""
    from epicat.pipeline.jobs.job_progress import STATES

    def is_quiet(line: JobProgress) -> bool:
        return set(line.counts) <= {"done"} or set(line.counts) <= {"submitted"}

    chosen = sorted(lines, key=is_quiet)[:_MOST_LINES]
    rows = [
        (
            line.job.name, _days(line.job),
            *(str(line.counts.get(state, 0)) for state in STATES), str(line.job.units),
        )
        for line in sorted(chosen, key=lambda line: line.job.order)
    ]  # fmt: skip
    totals: dict[str, Counter[str]] = {}
    for line in lines:
        totals.setdefault(line.job.stage.value, Counter()).update(
            {**line.counts, "of": line.job.units}
        )
    rows += [
        (f"all {stage}", "", *(str(counts[state]) for state in (*STATES, "of")))
        for stage, counts in totals.items()
    ]
    yield from aligned(("job", "days", *STATES, "of"), rows, left=2, width=_WIDTH)
    if len(lines) > _MOST_LINES:
        yield f"and {len(lines) - _MOST_LINES:,} more that are not running"


def _days(job: Job) -> str:
    """Return the days of a job, with the year only once if it is the same."""
    if job.first == job.last:
        return job.first
    year, _, day = job.last.partition(".")
    return f"{job.first}-{day if job.first.startswith(f'{year}.') else job.last}"


def _summary(snapshot: _Snapshot) -> Iterator[str]:
    found = snapshot.found
    if found is not None:
        rate = found.station_days / snapshot.seconds
        due = sum(line.job.keys for line in snapshot.lines if line.job.stage.value == "pick")
        yield (
            f"{found.station_days:,} of {due:,} station-days ({rate:.2f} a second) and "
            f"{found.blocks:,} blocks; {found.picks:,} picks and {found.events:,} events so far"
        )
        if found.failed:
            yield f"{found.failed:,} station-days or blocks failed"
    yield from (f"{line.job.name}: {line.note}" for line in snapshot.lines if line.note)
    left = (
        ""
        if snapshot.is_over or snapshot.left_s is None
        else f"; about {_span(snapshot.left_s)} left"
    )
    yield f"about {snapshot.used.text} so far{left}"


def _as_json(snapshot: _Snapshot) -> dict[str, Any]:
    found = snapshot.found
    rate = round(found.station_days / snapshot.seconds, 4) if found else None
    return {
        "submission": snapshot.record.name,
        "store": snapshot.record.store,
        "is_over": snapshot.is_over,
        "jobs": [
            {
                "name": line.job.name, "stage": line.job.stage.value, "first": line.job.first,
                "last": line.job.last, "units": line.job.units, **line.counts,
                **({"note": line.note} if line.note else {}),
            }
            for line in snapshot.lines
        ],
        "station_days": found.station_days if found else None,
        "station_days_per_second": rate,
        "blocks": found.blocks if found else None,
        "picks": found.picks if found else None,
        "events": found.events if found else None,
        "failed": found.failed if found else None,
        "seconds_left": None if snapshot.left_s is None else round(snapshot.left_s, 1),
        snapshot.used.unit: round(snapshot.used.value, 4),
    }  # fmt: skip


def _span(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
