"""A look at the archive before a campaign begins: whether it has any object of it.

A wrong folder, layout, region or range of days shows within seconds, rather than after every
station-day was tried.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from epicat.archive.fdsn import is_fdsn
from epicat.campaign.campaign import Campaign
from epicat.errors import ArchiveError
from epicat.model import StationDay
from epicat.pipeline.stages.day_reader import DayReader

__all__ = ["FirstLook", "look_at_archive"]

_LONGEST_S: Final = 5.0
_GOLDEN: Final = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True, slots=True)
class FirstLook:
    """What a look at the archive found."""

    looked: int
    """Station-days that were looked for."""
    total: int
    """Station-days of the campaign."""
    has_objects: bool
    """Whether there was an object of one of them, or that cannot be told."""

    @property
    def is_complete(self) -> bool:
        """Whether all station-days were looked for."""
        return self.looked == self.total


def look_at_archive(campaign: Campaign, clock: Callable[[], float] = time.monotonic) -> FirstLook:
    """List station-days from all over a campaign until one has an object, for some seconds.

    Data centers do not list what they have: those are not asked.
    """
    if is_fdsn(campaign.archive):
        return FirstLook(0, 0, has_objects=True)
    reader = DayReader(campaign, campaign.open_archive())
    names, days = campaign.names, list(campaign.span.days())
    keys = [StationDay(name, day) for day in days for name in names]
    wanted = [key for key in keys if campaign.operates(key)]
    end_s = clock() + _LONGEST_S
    for count, key in enumerate(_spread(wanted), 1):
        try:
            if reader.objects(key):
                return FirstLook(count, len(wanted), has_objects=True)
        except ArchiveError:  # the run reports it
            return FirstLook(count, len(wanted), has_objects=True)
        if clock() > end_s:
            return FirstLook(count, len(wanted), has_objects=False)
    return FirstLook(len(wanted), len(wanted), has_objects=False)


def _spread(keys: list[StationDay]) -> Iterator[StationDay]:
    """Yield all keys, each as far from the earlier ones as a golden ratio of the list."""
    count = len(keys)
    if not count:
        return
    step = max(1, round(count * _GOLDEN))
    while math.gcd(step, count) > 1:
        step += 1
    yield from (keys[i * step % count] for i in range(count))
