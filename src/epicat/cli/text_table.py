"""Tables as plain text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

__all__ = ["aligned"]


def aligned(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    left: int = 1,
    width: int | None = None,
) -> Iterator[str]:
    """Give the lines of a table, its first ``left`` columns aligned to the left.

    Columns are two blanks apart, or one where lines would be longer than ``width`` otherwise.
    """
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    is_tight = width is not None and sum(widths) + 2 * (len(widths) - 1) > width
    for row in (header, *rows):
        cells = [
            cell.ljust(room) if at < left else cell.rjust(room)
            for at, (cell, room) in enumerate(zip(row, widths, strict=True))
        ]
        yield (" " if is_tight else "  ").join(cells).rstrip()
