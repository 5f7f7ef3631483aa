from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epicat._util.lists import batched, first_and_more, list_some


@given(st.lists(st.integers()), st.integers(1, 7))
def test_batches_are_the_items_in_order_and_all_full_but_the_last(items: list[int], size: int):
    batches = list(batched(items, size))
    assert list(itertools.chain(*batches)) == items
    assert all(len(batch) == size for batch in batches[:-1])
    assert all(0 < len(batch) <= size for batch in batches[-1:])


def test_nothing_is_read_ahead_of_a_batch():
    read: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(10):
            read.append(number)
            yield number

    assert next(batched(numbers(), 3)) == [0, 1, 2]
    assert read == [0, 1, 2]


@pytest.mark.parametrize(
    ("count", "most", "text"),
    [(0, 3, ""), (1, 3, "0"), (3, 3, "0, 1, 2"), (4, 3, "0, 1, 2 and 1 more"),
     (2003, 3, "0, 1, 2 and 2,000 more")],
)  # fmt: skip
def test_lists_of_some(count: int, most: int, text: str):
    items = [str(number) for number in range(count)]
    assert list_some(items, most=most) == text
    assert len(first_and_more(items, most)) == min(count, most + 1)
