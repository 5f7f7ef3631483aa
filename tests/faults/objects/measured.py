"""Run a command, and tell on stdout how large the largest of its processes was, in bytes.

What the system says of a child counts, as the least, the process that started it.  So this is a
program of its own that imports nothing: ``python -I measured.py ADDRESSES COMMAND ...``.
``ADDRESSES`` is how many bytes of addresses each process may have.
"""

from __future__ import annotations

import resource
import subprocess
import sys


def main() -> None:
    most = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    code = subprocess.call(sys.argv[2:], stdout=subprocess.DEVNULL)
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
    sys.exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()
