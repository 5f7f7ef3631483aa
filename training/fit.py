"""Fit the student to the targets of the pool; can be interrupted and resumed at any time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from epicat._util.files import atomic_file
from training.batches import Pool
from training.student import ARCHITECTURE, BLINDING, load_student, new_student

__all__ = ["Schedule", "fit", "load_average", "refinement"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """The training schedule."""

    steps: int = 12_000
    """Batches in all."""
    batch: int = 32
    """Windows in a batch."""
    rate: float = 4e-3
    """Largest learning rate: it rises over a twentieth of the steps and falls as a cosine."""
    seed: int = 20140824
    """Decides the first weights and the order of windows."""
    architecture: str = ARCHITECTURE
    """SeisBench's class of the student."""
    every: int = 250
    """Steps from one checkpoint to the next."""
    first_files: int = 12
    """Files of the pool to begin with."""
    all_files: int = 30
    """Files of the pool in the end; their number rises evenly over the first 70 % of the steps."""
    start: Path | None = None
    """Weights to begin with, whose normalizations are kept as they are; None: random weights."""

    def files(self, step: int) -> int:
        """Return the number of pool files used at a step, independent of when they were written."""
        share = min(step / (0.7 * self.steps), 1.0)
        return self.first_files + int(share * (self.all_files - self.first_files))


def refinement(start: Path) -> Schedule:
    """Return the schedule by which finished weights learn from changed records."""
    return Schedule(steps=3_000, rate=1e-3, first_files=14, all_files=14, start=start)


_ARRIVALS_COUNT = 2.0
"""How much more samples count whose target is an arrival."""
_EDGES_COUNT = 0.3
"""How much less samples count that are blinded when it picks."""


def fit(
    folder: Path, checkpoint: Path, schedule: Schedule, say: Callable[[str], None] = print
) -> None:
    """Train or resume from the checkpoint, whose weight average is the result.

    Twice as fast where the C library keeps freed memory: MALLOC_MMAP_MAX_=0 and
    MALLOC_TRIM_THRESHOLD_=100000000000 in the environment.
    """
    torch.manual_seed(schedule.seed)
    state = _State(schedule)
    if checkpoint.exists():
        state.load(checkpoint)
    pool = Pool(folder, state.model.in_samples)
    with _quick_arithmetic():
        while state.step < schedule.steps:
            pool.grow(schedule.files(state.step))
            began = time.monotonic()
            loss = _epoch(state, pool, min(schedule.every, schedule.steps - state.step))
            state.save(checkpoint)
            windows = schedule.every * schedule.batch / (time.monotonic() - began)
            told = f"{len(pool)} records, loss {loss:.4f}, {windows:.0f} windows/s"
            say(f"fit: step {state.step} of {schedule.steps}, {told}")


@contextmanager
def _quick_arithmetic() -> Iterator[None]:
    """Use one thread, since threads on shared cores wait for each other, and flush subnormals."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(threads)


class _State:
    """The content of a checkpoint."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.step = 0
        self.model = _first(schedule)
        self.average = AveragedModel(
            self.model, multi_avg_fn=get_ema_multi_avg_fn(0.998), use_buffers=True
        )
        self.optimizer = torch.optim.AdamW(self.model.parameters(), weight_decay=1e-4)
        self._parts = {"model": self.model, "average": self.average, "optimizer": self.optimizer}

    def save(self, path: Path) -> None:
        held: dict[str, Any] = {name: part.state_dict() for name, part in self._parts.items()}
        with atomic_file(path, "wb") as file:
            torch.save({**held, "step": self.step}, file)

    def load(self, path: Path) -> None:
        held = torch.load(path, weights_only=True)
        self.step = held.pop("step")
        for name, part in self._parts.items():
            part.load_state_dict(held[name])

    def rate(self) -> float:
        done = self.step / self.schedule.steps
        return self.schedule.rate * min(done / 0.05, 0.5 * (1 + math.cos(math.pi * done)))


def _first(schedule: Schedule) -> Any:
    if schedule.start is None:
        return new_student(schedule.architecture)
    return load_student(schedule.start, schedule.architecture)


def _epoch(state: _State, pool: Pool, steps: int) -> float:
    """Take some steps; return the mean loss."""
    state.model.train(state.schedule.start is None)
    rng = np.random.default_rng((state.schedule.seed, state.step))
    batches = pool.batches(rng, state.schedule.batch)
    losses = []
    for _ in range(steps):
        data, wanted = (torch.from_numpy(array) for array in next(batches))
        loss = _loss(state.model, data, wanted)
        for group in state.optimizer.param_groups:
            group["lr"] = state.rate()
        state.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(state.model.parameters(), 1.0)
        state.optimizer.step()
        state.average.update_parameters(state.model)
        state.step += 1
        losses.append(loss.item())
    return float(np.mean(losses))


def _loss(model: Any, data: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Return the cross entropy with the target probabilities, per sample."""
    found = torch.log_softmax(model(model.annotate_batch_pre(data, {}), logits=True), dim=1)
    arrivals = wanted.sum(dim=1)
    whole = torch.cat([(1 - arrivals).clamp(min=0).unsqueeze(1), wanted], dim=1)
    weight = 1 + _ARRIVALS_COUNT * arrivals
    weight[:, :BLINDING] *= _EDGES_COUNT
    weight[:, -BLINDING:] *= _EDGES_COUNT
    entropy = -(whole * found).sum(dim=1)
    return (weight * entropy).sum() / weight.sum()


def load_average(checkpoint: Path, architecture: str = ARCHITECTURE) -> Any:
    """Return the averaged model of a checkpoint, ready to pick."""
    average = AveragedModel(new_student(architecture))
    average.load_state_dict(torch.load(checkpoint, weights_only=True)["average"])
    return average.module.eval()
