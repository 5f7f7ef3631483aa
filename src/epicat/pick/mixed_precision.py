"""Screen windows in reduced precision, and compute in f32 where picks may be.

Nearly all windows of nearly all days are noise, where the last digits of a probability do not
matter.  So every window is computed in reduced precision, and once more in f32 where the result
reaches a part of the threshold: each window that has such a sample, and each that shares it, so
that the stacked probability is exact wherever a trigger may be.  Picks are those of f32, unless
reduced precision is so far off that it sees half the threshold as a sixth of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from epicat.pick.pick_options import Precision
from epicat.pick.picker import F32, Picker, PickerInfo, Stretch, Window, batched, windows_of

__all__ = ["MixedPrecisionPicker"]

_RELEVANT_PART = 1 / 6
"""Of the threshold: from here on a sample is relevant.  A trigger ends at half of the threshold."""
_AROUND_S = 1.0
"""Samples so close to a relevant one are relevant as well."""
_GROUP = 512
"""Windows that are screened together, so that those to compute again fill their batches."""


class MixedPrecisionPicker(Picker):
    """Two pickers with the same weights."""

    def __init__(self, screen: Picker, exact: Picker) -> None:
        """Take a picker in reduced precision for every window, and one in f32."""
        self.info = exact.info
        self.precision: Precision = "mixed"
        self._screen = screen
        self._exact = exact

    def use_threads(self, threads: int) -> None:
        """Compute so many batches at once from now on."""
        self._screen.use_threads(threads)
        self._exact.use_threads(threads)
        self.threads = self._exact.threads

    def probabilities(self, windows: F32) -> F32:
        """Return the probabilities of each window in f32."""
        return self._exact.probabilities(windows)

    def of_stretches(
        self, stretches: Sequence[Stretch], thresholds: Mapping[str, float], batch: int
    ) -> Iterator[F32]:
        """Return the probabilities (picked phases, samples) of every window, in order.

        Those of phases without a threshold, and those that cannot reach it, are approximate.
        """
        rough = batched(self._screen, windows_of(stretches), batch)
        relevance, limit = _Relevance(self.info, thresholds), _GROUP
        kept: list[_Screened] = []
        for window, probabilities in zip(windows_of(stretches), rough, strict=True):
            seen = _Screened(window, probabilities, relevance.of(window, probabilities))
            for other in reversed(kept):
                if not relevance.overlap(other, seen):
                    break
                relevance.share(other, seen)
            kept.append(seen)
            if len(kept) >= limit:
                complete = [other for other in kept if not relevance.overlap(other, seen)]
                kept = kept[len(complete) :]
                limit = len(kept) + _GROUP
                yield from self._exact_where_needed(complete, batch)
        yield from self._exact_where_needed(kept, batch)

    def _exact_where_needed(self, screened: Sequence[_Screened], batch: int) -> Iterator[F32]:
        needed = (one.window for one in screened if one.is_needed)
        exact = batched(self._exact, needed, batch)
        for one in screened:
            yield next(exact) if one.is_needed else one.probabilities


@dataclass(slots=True)
class _Screened:
    """A window with its approximate probabilities."""

    window: Window
    probabilities: F32
    """In reduced precision."""
    relevant: tuple[int, int]
    """Samples of the stretch from the first relevant one to the last; empty if there is none."""
    is_needed: bool = field(init=False)
    """Whether the window is needed in f32."""

    def __post_init__(self) -> None:
        self.is_needed = self.relevant[0] < self.relevant[1]


class _Relevance:
    """Which samples of a picker's windows are relevant."""

    def __init__(self, info: PickerInfo, thresholds: Mapping[str, float]) -> None:
        before, after = info.blinding
        self._inner = slice(before, info.samples - after)
        self._around = round(_AROUND_S * info.sampling_rate)
        levels = [_RELEVANT_PART * thresholds.get(phase, np.inf) for phase in info.picked]
        self._levels = np.array(levels, np.float32)

    def of(self, window: Window, probabilities: F32) -> tuple[int, int]:
        """Return the relevant samples of a window and those around them; NaN is relevant."""
        inner = probabilities[:, self._inner]
        if (inner.max(axis=1) < self._levels).all():
            return (0, 0)
        at = np.flatnonzero(~(inner < self._levels[:, None]).all(axis=0))
        low, high = self._reach(window)
        return (
            max(low + int(at[0]) - self._around, low),
            min(low + int(at[-1]) + self._around + 1, high),
        )

    def overlap(self, earlier: _Screened, later: _Screened) -> bool:
        """Return whether two windows share samples of one stretch, blinded ones aside."""
        same = earlier.window[0] is later.window[0]
        return same and self._reach(earlier.window)[1] > self._reach(later.window)[0]

    def share(self, earlier: _Screened, later: _Screened) -> None:
        """Mark each of two windows as needed if the other has relevant samples in it."""
        for one, other in ((earlier, later), (later, earlier)):
            low, high = self._reach(one.window)
            begin, end = other.relevant
            one.is_needed |= max(low, begin) < min(high, end)

    def _reach(self, window: Window) -> tuple[int, int]:
        return window[1] + self._inner.start, window[1] + self._inner.stop
