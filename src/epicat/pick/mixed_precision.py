"""A picker in fewer bits that looks where picks may be, and one in 32 bits that picks there.

Nearly all windows of nearly all days are noise, where no bit of a probability matters.  So every
window is computed in fewer bits, and once more in 32 where these reach a part of the threshold:
each window that has such a sample, and each that shares it, so that the stacked probability is
the exact one wherever a trigger may be.  Picks are those of 32 bits, unless fewer bits are so
far off that they do not see half the threshold as a sixth of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from epicat.pick.batching import Stretch, Window, computed, windows_of
from epicat.pick.options import Precision
from epicat.pick.picker import F32, Picker, PickerInfo

__all__ = ["Screened"]

_PART = 1 / 6
"""Of the threshold: from here on a sample matters.  A trigger ends at half of the threshold."""
_AROUND_S = 1.0
"""Samples so near to one that matters do so as well."""
_GROUP = 512
"""Windows that are looked at together, so that those to compute again fill their batches."""


@dataclass(frozen=True, slots=True)
class Screened:
    """Two pickers with the same weights."""

    screen: Picker
    """The one in fewer bits, for every window."""
    exact: Picker
    """The one in 32 bits, where picks may be."""
    precision: Precision = "mixed"
    """Inference precision, as `Picker` has it."""

    @property
    def info(self) -> PickerInfo:
        """What is known about both."""
        return self.exact.info

    def computed(
        self, stretches: Sequence[Stretch], thresholds: Mapping[str, float], batch: int
    ) -> Iterator[F32]:
        """Return the probabilities (picked phases, samples) of every window, in order.

        Those of phases without a threshold need not be exact anywhere.
        """
        rough = computed(self.screen, windows_of(stretches), batch)
        look, limit = _Look(self.info, thresholds), _GROUP
        kept: list[_Seen] = []
        for window, probabilities in zip(windows_of(stretches), rough, strict=True):
            seen = _Seen(window, probabilities, look.matters(window, probabilities))
            for other in reversed(kept):
                if not look.share(other, seen):
                    break
                look.tell(other, seen)
            kept.append(seen)
            if len(kept) >= limit:
                settled = [other for other in kept if not look.share(other, seen)]
                kept = kept[len(settled) :]
                limit = len(kept) + _GROUP
                yield from self._settled(settled, batch)
        yield from self._settled(kept, batch)

    def _settled(self, seen: Sequence[_Seen], batch: int) -> Iterator[F32]:
        again = computed(self.exact, (one.window for one in seen if one.is_needed), batch)
        for one in seen:
            yield next(again) if one.is_needed else one.probabilities


@dataclass(slots=True)
class _Seen:
    """A window, looked at."""

    window: Window
    probabilities: F32
    """In fewer bits."""
    matters: tuple[int, int]
    """Samples of the stretch from the first that matters to the last; empty if there is none."""
    is_needed: bool = field(init=False)
    """Whether the window is needed in 32 bits."""

    def __post_init__(self) -> None:
        self.is_needed = self.matters[0] < self.matters[1]


class _Look:
    """What matters in the windows of a picker."""

    def __init__(self, info: PickerInfo, thresholds: Mapping[str, float]) -> None:
        before, after = info.blinding
        self._inner = slice(before, info.samples - after)
        self._around = round(_AROUND_S * info.sampling_rate)
        levels = [_PART * thresholds.get(phase, np.inf) for phase in info.picked]
        self._levels = np.array(levels, np.float32)

    def matters(self, window: Window, probabilities: F32) -> tuple[int, int]:
        """Return the samples that matter and what is around them; what is no number matters."""
        inner = probabilities[:, self._inner]
        if (inner.max(axis=1) < self._levels).all():
            return (0, 0)
        at = np.flatnonzero(~(inner < self._levels[:, None]).all(axis=0))
        low, high = self._reach(window)
        return (
            max(low + int(at[0]) - self._around, low),
            min(low + int(at[-1]) + self._around + 1, high),
        )

    def share(self, earlier: _Seen, later: _Seen) -> bool:
        """Tell whether two windows have samples of one stretch in common, blinded ones aside."""
        same = earlier.window[0] is later.window[0]
        return same and self._reach(earlier.window)[1] > self._reach(later.window)[0]

    def tell(self, earlier: _Seen, later: _Seen) -> None:
        """Make each needed if the other has samples in it that matter."""
        for one, other in ((earlier, later), (later, earlier)):
            low, high = self._reach(one.window)
            begin, end = other.matters
            one.is_needed |= max(low, begin) < min(high, end)

    def _reach(self, window: Window) -> tuple[int, int]:
        return window[1] + self._inner.start, window[1] + self._inner.stop
