"""Entry point: ``epicat`` and ``python -m epicat``.

Little is imported before the signal handlers are set: an interrupt may come at any time, and in a
container nothing else handles SIGTERM.  Each worker process imports this module, too.
"""

from __future__ import annotations

import sys

from epicat._util.processes import exit_process, sigterm_as_interrupt

__all__ = ["main"]

_INTERRUPTED = 130


def main() -> None:
    """Run the command line; exit with its status, 130 if it is interrupted."""
    code = _INTERRUPTED
    try:
        with sigterm_as_interrupt():
            from epicat.cli.app import main as command

            command()
    except KeyboardInterrupt:  # at the start, or again while stopping
        print("epicat: interrupted", file=sys.stderr)  # noqa: T201
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 1
    exit_process(code)


if __name__ == "__main__":
    main()
