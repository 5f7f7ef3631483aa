"""The door: ``epicat``, and ``python -m epicat`` where that is not on the path.

Little is imported before an interrupt is expected: it may come at any time, and in a container
nobody else takes SIGTERM.  Each worker process imports this module, too.
"""

from __future__ import annotations

import sys

from epicat._util.processes import leave, sigterm_as_interrupt

__all__ = ["main"]

_INTERRUPTED = 130


def main() -> None:
    """Run the command line; leave with its exit code, 130 if it is interrupted."""
    code = _INTERRUPTED
    try:
        with sigterm_as_interrupt():
            from epicat.cli.app import main as command

            command()
    except KeyboardInterrupt:  # while it begins, or again while it stops
        print("epicat: interrupted", file=sys.stderr)  # noqa: T201
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 1
    leave(code)


if __name__ == "__main__":
    main()
