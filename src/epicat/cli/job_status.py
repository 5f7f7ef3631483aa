"""The jobs of a campaign on AWS: once, or again and again until they have ended."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import typer

from epicat.cli.aws_credentials import lent
from epicat.cli.progress import say
from epicat.cli.text_table import aligned

if TYPE_CHECKING:
    from epicat.aws.progress import Found, Line
    from epicat.aws.session import Aws
    from epicat.aws.stack import Stack
    from epicat.aws.submission_record import Job, SubmissionRecord
    from epicat.store.base import Store

__all__ = ["jobs_table", "show_jobs"]

_MOST_KEYS = 1_000_000
_MOST_LINES = 30
_LEDGER_SHARE = 10
_WIDTH = 80


@dataclass(frozen=True, slots=True)
class _Look:
    """All that is shown at one moment."""

    handed: SubmissionRecord
    lines: list[Line]
    found: Found | None
    seconds: float

    @property
    def is_over(self) -> bool:
        return all(line.is_over for line in self.lines)

    @property
    def failed(self) -> int:
        """How many jobs failed."""
        return sum(line.counts.get("failed", 0) for line in self.lines)

    @property
    def left_s(self) -> float | None:
        """Seconds that are left, if it goes on like this."""
        from epicat.aws.progress import share_over

        share = share_over(self.lines)
        return self.seconds * (1 - share) / share if share else None

    @property
    def dollars(self) -> float:
        from epicat.aws.progress import dollars_so_far

        return dollars_so_far(self.handed, self.lines, self.found)


def show_jobs(aws: Aws, stack: Stack, *, every: float | None, as_json: bool) -> None:
    """Show the jobs that were submitted last; with ``every``, until all have ended.

    Leaves with 1 if some failed by then.
    """
    from epicat.aws.submission_record import find_last

    _, handed = find_last(stack)
    ledger = _Ledger(aws, handed)
    look = _looked(aws, handed, ledger) if every is None else _watched(aws, handed, ledger, every)
    if as_json:
        typer.echo(json.dumps(_told(look)))
    else:
        for line in (*jobs_table(look.lines), *_words(look)):
            typer.echo(line)
    failed = look.failed + (look.found.failed if look.found else 0)
    if failed and look.is_over:
        say("some of it failed: `epicat logs UNIT` shows why, `epicat retry` does it again")
    if failed and every is not None:
        raise typer.Exit(1)


def _watched(aws: Aws, handed: SubmissionRecord, ledger: _Ledger, every: float) -> _Look:
    """Look until all is over, and show it on stderr as long as it is a terminal."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(stderr=True)
    try:
        with Live(console=console, auto_refresh=False, transient=True) as live:
            while True:
                look = _looked(aws, handed, ledger)
                if look.is_over:
                    return look
                if console.is_terminal:
                    shown = "\n".join((*jobs_table(look.lines), *_words(look)))
                    live.update(Text(shown, no_wrap=True), refresh=True)
                time.sleep(every)
    except KeyboardInterrupt:
        say("the jobs go on; `epicat cancel` ends them")
        raise


def _looked(aws: Aws, handed: SubmissionRecord, ledger: _Ledger) -> _Look:
    from epicat.aws.progress import lines_of

    lines = lines_of(aws, handed)
    is_over = all(line.is_over for line in lines)
    begun = min((line.started_ms for line in lines if line.started_ms), default=None)
    start_s = handed.time.timestamp() if begun is None else begun / 1000
    ended = max((line.stopped_ms for line in lines if line.stopped_ms), default=None)
    end_s = ended / 1000 if is_over and ended else time.time()
    return _Look(handed, lines, ledger.found(now=is_over), max(end_s - start_s, 1e-3))


class _Ledger:
    """What the store's ledger says, read now and then."""

    def __init__(self, aws: Aws, handed: SubmissionRecord) -> None:
        self._aws = aws
        self._handed = handed
        self._keys: dict[str, str] = {}
        self._store: Store | None = None
        self._found: Found | None = None
        self._next = 0.0
        self._is_large = sum(job.keys for job in handed.jobs) > _MOST_KEYS
        if self._is_large:
            say(f"more than {_MOST_KEYS:,} keys: picks and events are not counted while it goes on")

    def found(self, *, now: bool) -> Found | None:
        """Return what it has, read lately or now; nothing of a campaign that is too large."""
        if not self._is_large and (now or time.monotonic() >= self._next):
            begin = time.monotonic()
            self._found = self._read()
            self._next = begin + _LEDGER_SHARE * (time.monotonic() - begin)
        return self._found

    def _read(self) -> Found:
        from epicat.aws.progress import found_in
        from epicat.model import Stage

        store = self._opened()
        return found_in(
            store.ledger(Stage.PICK, self._handed.run),
            store.ledger(Stage.ASSOCIATE, self._handed.associator),
            round(self._handed.time.timestamp() * 1e9),
        )

    def _opened(self) -> Store:
        """Return the store, opened again when credentials that last an hour were renewed."""
        from epicat.store.open import open_store

        keys = self._aws.lendable()
        if self._store is None or keys != self._keys:
            with lent(self._aws):
                self._store = open_store(self._handed.store)
            self._keys = keys
        return self._store


def jobs_table(lines: Sequence[Line]) -> Iterator[str]:
    """Give the lines of a table: what goes on or failed first, and no more than fit."""
    from epicat.aws.progress import STATES

    def is_quiet(line: Line) -> bool:
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
        yield f"and {len(lines) - _MOST_LINES:,} more, of which nothing runs"


def _days(job: Job) -> str:
    """Return the days of a job, the year once if it is the same."""
    if job.first == job.last:
        return job.first
    year, _, day = job.last.partition(".")
    return f"{job.first}-{day if job.first.startswith(f'{year}.') else job.last}"


def _words(look: _Look) -> Iterator[str]:
    found = look.found
    if found is not None:
        rate = found.station_days / look.seconds
        yield (
            f"{found.station_days:,} station-days ({rate:.2f} a second) and {found.blocks:,} "
            f"blocks; {found.picks:,} picks and {found.events:,} events so far"
        )
        if found.failed:
            yield f"{found.failed:,} station-days or blocks failed"
    left = "" if look.is_over or look.left_s is None else f"; about {_span(look.left_s)} left"
    yield f"about ${look.dollars:,.2f} so far{left}"


def _told(look: _Look) -> dict[str, Any]:
    found = look.found
    return {
        "submission": look.handed.name,
        "store": look.handed.store,
        "is_over": look.is_over,
        "jobs": [
            {
                "name": line.job.name, "stage": line.job.stage.value, "first": line.job.first,
                "last": line.job.last, "units": line.job.units, **line.counts,
            }
            for line in look.lines
        ],
        "station_days": found.station_days if found else None,
        "station_days_per_second": round(found.station_days / look.seconds, 4) if found else None,
        "blocks": found.blocks if found else None,
        "picks": found.picks if found else None,
        "events": found.events if found else None,
        "failed": found.failed if found else None,
        "seconds_left": None if look.left_s is None else round(look.left_s, 1),
        "dollars": round(look.dollars, 4),
    }  # fmt: skip


def _span(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
