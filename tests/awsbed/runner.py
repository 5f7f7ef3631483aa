"""The runner: queues, dependencies, attempts, retries.  Its API is in `api`."""

from __future__ import annotations

import heapq
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from awsbed.images import Image
from awsbed.jobs import CHILD_FAILED, DEPENDENT_FAILED, WAITING, Job, now
from awsbed.moto_side import LogStream, StartError, secrets_of
from awsbed.processes import Process
from awsbed.retries import Ended, is_retried
from awsbed.waiting import needed, state

GRACE_S = 30.0
"""Between SIGTERM and SIGKILL, as Fargate does it by default."""
PATIENCE_S = 300.0
"""How long a test waits for what comes within seconds, on a machine that has much else to do."""
EXITED = "Essential container in task exited"
INTERRUPTED = "Your Spot Task was interrupted."
TOO_LONG = "Job attempt duration exceeded timeout"


@dataclass
class _Running:
    process: Process
    status_reason: str = EXITED
    reason: str = ""
    final: bool = False
    killer: threading.Timer | None = None


class LocalBatch:
    """Jobs as processes of this machine, ``slots`` at once, in the order of submission.

    Time limits and the grace before SIGKILL are those of AWS, divided by ``hurry``.
    """

    def __init__(self, images: Mapping[str, Image], *, slots: int = 2, hurry: float = 1.0) -> None:
        self.jobs: dict[str, Job] = {}
        self.images = dict(images)
        self.hurry = hurry
        self._slots = slots
        self._changed = threading.Condition(threading.RLock())
        self._runnable: list[tuple[int, int, Job]] = []
        self._submitted: dict[str, int] = {}
        self._dependents: dict[str, list[Job]] = defaultdict(list)
        self._running: dict[str, _Running] = {}
        self._closing = False
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._threads = [
            threading.Thread(target=self._work, daemon=True) for _ in range(self._slots)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._closing = True
            for running in self._running.values():
                running.final = True
                running.process.kill()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    # --- What AWS's API does, by `api` -----------------------------------------------------

    def submit(self, job: Job, size: int | None) -> None:
        """Take a job, or an array of ``size`` children."""
        with self._changed:
            self.jobs[job.id] = job
            self._submitted[job.id] = len(self._submitted)
            job.children = [job.child(index) for index in range(size or 0)]
            self.jobs |= {child.id: child for child in job.children}
            job.status = "PENDING"
            for unit in job.children or [job]:
                for other in needed(unit, self.jobs):
                    self._dependents[other.id].append(unit)
            for unit in job.children or [job]:
                self._look(unit)

    def cancel(self, job: Job, reason: str) -> None:
        """End what has not begun; leave the rest alone."""
        with self._changed:
            for unit in job.children or [job]:
                if unit.status in WAITING:
                    self._end(unit, "FAILED", reason)

    def terminate(self, job: Job, reason: str) -> None:
        """End what is not over."""
        with self._changed:
            self.cancel(job, reason)
            for unit in job.children or [job]:
                self._stop(unit, reason, final=True)

    def describe(self, wanted: list[str]) -> list[dict[str, Any]]:
        """Describe jobs by their ids or ARNs, as they are at one moment."""
        with self._changed:
            ids = [name.rsplit("job/", 1)[-1] for name in wanted]
            return [self.jobs[name].describe() for name in ids if name in self.jobs]

    # --- What happens to jobs on AWS, by the test ------------------------------------------

    def interrupt(self, job_id: str) -> None:
        """Reclaim the capacity of a running job, as Spot does: SIGTERM, later SIGKILL."""
        with self._changed:
            self._stop(self.jobs[job_id], INTERRUPTED, final=False)

    def starve(self, job_id: str) -> None:
        """Kill a running job for want of memory."""
        with self._changed:
            running = self._running[job_id]
            running.reason = "OutOfMemoryError: Container killed due to memory usage"
            running.process.kill()

    def until(self, happened: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
        """Wait for something to be so; raise `TimeoutError` if it does not come."""
        end = time.monotonic() + seconds
        # Asked without the lock: it may be the API that is asked, which wants the lock itself
        while not happened():
            if time.monotonic() > end:
                raise TimeoutError({job.id: job.status for job in self.jobs.values()})
            # Lines and files change without a word from here: look again now and then
            with self._changed:
                self._changed.wait(0.02)

    def finish(self, seconds: float = PATIENCE_S) -> None:
        """Wait for all jobs to be over."""
        self.until(lambda: all(job.is_over for job in self.jobs.values()), seconds)

    # --- One job -----------------------------------------------------------------------------

    def _look(self, unit: Job) -> None:
        """Move a waiting job on, if what it waits for is over."""
        if unit.status not in ("SUBMITTED", "PENDING"):
            return
        match state(unit, self.jobs):
            case "fail":
                self._end(unit, "FAILED", DEPENDENT_FAILED)
            case "go":
                self._queue(unit)
            case _:
                unit.status = "PENDING"

    def _queue(self, unit: Job) -> None:
        """Let a unit run when it is its turn: by submission, then by index."""
        unit.status = "RUNNABLE"
        turn = self._submitted[(unit.parent or unit).id]
        heapq.heappush(self._runnable, (turn, unit.index or 0, unit))
        self._changed.notify_all()

    def _end(self, job: Job, status: str, reason: str) -> None:
        job.status, job.status_reason, job.stopped = status, reason, now()
        for dependent in self._dependents.pop(job.id, []):
            self._look(dependent)
        array = job.parent
        if array is not None and all(child.is_over for child in array.children):
            reasons = {c.status_reason for c in array.children if c.status == "FAILED"}
            reason = DEPENDENT_FAILED if reasons == {DEPENDENT_FAILED} else CHILD_FAILED
            self._end(array, *(("FAILED", reason) if reasons else ("SUCCEEDED", "")))
        self._changed.notify_all()

    def _stop(self, job: Job, status_reason: str, *, final: bool) -> None:
        running = self._running.get(job.id)
        if running is None:
            return
        running.status_reason, running.final = status_reason, final
        running.killer = threading.Timer(GRACE_S / self.hurry, running.process.kill)
        running.killer.daemon = True
        running.killer.start()
        running.process.terminate()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._runnable and not self._closing:
                    self._changed.wait()
                if self._closing:
                    return
                _, _, job = heapq.heappop(self._runnable)
                if job.status != "RUNNABLE":  # cancelled in the meantime
                    continue
                job.status, job.started = "STARTING", None
                job.attempts.append({"container": {"taskArn": _task_arn(job)}})
            try:
                ended = self._attempt(job)
            except Exception as error:  # the job, and the test, would never end otherwise
                ended = Ended(None, f"the runner itself has failed: {error!r}", final=True)
            self._conclude(job, ended)

    def _attempt(self, job: Job) -> Ended:
        try:
            running = self._start(job)
        except StartError as error:
            return Ended(None, error.status_reason, error.reason)
        limit = job.request["timeout"].get("attemptDurationSeconds")
        code = running.process.wait(None if limit is None else limit / self.hurry)
        if code is None:
            with self._changed:
                self._stop(job, TOO_LONG, final=True)
            code = running.process.wait(None)
        with self._changed:
            del self._running[job.id]
            if running.killer is not None:
                running.killer.cancel()
        return Ended(code, running.status_reason, running.reason, running.final)

    def _start(self, job: Job) -> _Running:
        properties = job.definition["containerProperties"]
        image = self.images.get(properties["image"])
        if image is None:
            raise StartError(
                "Task failed to start",
                "CannotPullContainerError: pull image manifest has been retried 7 time(s): failed "
                f"to resolve ref {properties['image']}: {properties['image']}: not found",
            )
        container = job.attempts[-1]["container"]
        log = LogStream(job, container["taskArn"].rsplit("/", 1)[1])
        container["logStreamName"] = log.name
        environment = {**image.environment, **job.variables(), **secrets_of(job)}
        with self._changed:
            if self._closing:
                raise StartError("Task failed to start", "closing")
            try:
                process = Process(
                    image.arguments(job.command(), environment), environment, image.folder,
                    log.line,
                )  # fmt: skip
            except OSError as error:
                raise StartError(
                    "Task failed to start", f"CannotStartContainerError: {error}"
                ) from error
            running = self._running[job.id] = _Running(process)
            job.status, job.started = "RUNNING", now()
            job.attempts[-1]["startedAt"] = job.started
            self._changed.notify_all()
        return running

    def _conclude(self, job: Job, ended: Ended) -> None:
        attempt = job.attempts[-1]
        attempt |= {"stoppedAt": now(), "statusReason": ended.status_reason}
        found = {"exitCode": ended.exit_code, "reason": ended.reason}
        attempt["container"] |= {name: v for name, v in found.items() if v not in (None, "")}
        with self._changed:
            if not self._closing and is_retried(
                job.request["retryStrategy"], len(job.attempts), ended
            ):
                self._queue(job)
            else:
                status = "SUCCEEDED" if ended.succeeded else "FAILED"
                self._end(job, status, ended.status_reason)


def _task_arn(job: Job) -> str:
    return f"arn:aws:ecs:{job.region}:{job.account}:task/local/{uuid.uuid4().hex}"
