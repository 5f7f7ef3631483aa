"""Record the actions of this process: Python runs this file if its folder is on PYTHONPATH.

It writes a line for each file written, connection and process started to the file EPICAT_WATCHED;
child processes do the same.  See `watching`.
"""

from __future__ import annotations

import json
import os
import sys

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGING = {"os.mkdir": 1, "os.remove": 1, "os.rmdir": 1, "os.truncate": 1, "os.chmod": 1,
             "os.chown": 1, "os.rename": 2, "os.link": 2, "os.symlink": 2}  # fmt: skip
"""Events whose first arguments are paths that change."""
_SPEAKING = ("socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo",
             "socket.gethostbyname", "socket.gethostbyaddr", "urllib.Request")  # fmt: skip
_STARTING = ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.spawn", "os.system")


def _paths(event: str, args: tuple[object, ...]) -> list[str]:
    """Return the paths that an event writes to; file descriptors are ignored."""
    if event == "open":
        chosen = args[:1] if isinstance(args[2], int) and args[2] & _WRITING else ()
    else:
        chosen = args[: _CHANGING.get(event, 0)]
    named = [p for p in chosen if isinstance(p, (str, bytes, os.PathLike))]
    return [os.path.abspath(os.fsdecode(p)) for p in named]  # noqa: PTH100 - links stay links


def _watch(log: int) -> None:
    def told(event: str, args: tuple[object, ...]) -> None:
        if event == "open" or event in _CHANGING:
            lines = [["write", path] for path in _paths(event, args)]
        elif event in _SPEAKING:
            lines = [["network", event, *map(repr, args)]]
        elif event in _STARTING:
            lines = [["process", event, repr(args)]]
        else:
            return
        os.write(log, "".join(f"{json.dumps(line)}\n" for line in lines).encode())

    sys.addaudithook(told)


if "EPICAT_WATCHED" in os.environ:
    _watch(os.open(os.environ["EPICAT_WATCHED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600))
