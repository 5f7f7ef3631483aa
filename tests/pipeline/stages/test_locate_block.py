"""Which blocks are located together."""

from __future__ import annotations

import pytest

from epicat.ledger import BlockEntry, Status
from epicat.pipeline.stages.locate_block import together


def block(number: int, events: int, picks: int) -> BlockEntry:
    return BlockEntry("design", f"b{number:02d}", Status.DONE, "", 1,
                      n_picks_used=picks, n_events=events)  # fmt: skip


@pytest.mark.parametrize(
    ("events", "picks", "sizes"),
    [
        ([17] * 20, 900, [15, 5]),
        ([300, 2, 300], 900, [1, 1, 1]),
        ([0] * 40, 0, [40]),
        ([1] * 7, 10_000, [3, 3, 1]),
        ([], 0, []),
    ],
)
def test_small_blocks_are_together_and_each_is_in_one_group(events, picks, sizes):
    blocks = [(block(i, n, picks), ()) for i, n in enumerate(events)]
    groups = list(together(blocks))
    assert [len(group) for group in groups] == sizes
    assert [pair for group in groups for pair in group] == blocks
