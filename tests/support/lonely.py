"""A network that has nothing but a loopback of its own, and counts what is tried beyond it.

Linux gives a process such a network (``unshare -n``).  The kernel counts in it whatever library
speaks, also those in C and Rust, of which Python hears nothing.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_UP = 0x8914, 0x1 | 0x40
"""SIOCSIFFLAGS; IFF_UP and IFF_RUNNING."""
_COUNTED = {"Tcp": ("ActiveOpens", "AttemptFails"), "Udp": ("OutDatagrams", "NoPorts"),
            "Ip": ("OutNoRoutes",)}  # fmt: skip


def way_in() -> list[str] | None:
    """Return the command that starts another one in such a network, or None if there is no way."""
    for flags in (["-n"], ["-rn"]):
        command = [shutil.which("unshare") or "unshare", *flags]
        try:
            if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
                return command
        except OSError:
            return None
    return None


def counted(command: Sequence[str], script: str, *arguments: object) -> dict[str, int]:
    """Run Python code in a network of its own; return what the kernel has counted there.

    It does not learn that it is tested: some libraries report nothing where CI is set.
    """
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    done = subprocess.run(
        [*command, sys.executable, __file__, script, *map(str, arguments)],
        capture_output=True, text=True, timeout=300, check=False,
        env={**{n: v for n, v in os.environ.items() if n != "CI"}, "PYTHONPATH": path},
    )  # fmt: skip
    if done.returncode:
        raise AssertionError(done.stderr[-4000:])
    found: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return found


def _up() -> None:
    """Switch the loopback on."""
    request, flags = _UP
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        fcntl.ioctl(asking, request, struct.pack("16sh14x", b"lo", flags))


def _counts() -> dict[str, int]:
    lines = Path("/proc/net/snmp").read_text(encoding="ascii").splitlines()
    told = {}
    for names, values in zip(lines[::2], lines[1::2], strict=True):
        kind, *rest = names.split()
        for name, value in zip(rest, values.split()[1:], strict=True):
            if name in _COUNTED.get(kind.rstrip(":"), ()):
                told[f"{kind}{name}"] = int(value)
    six = dict(line.split() for line in Path("/proc/net/snmp6").read_text().splitlines())
    return told | {name: int(six[name]) for name in ("Ip6OutNoRoutes", "Udp6OutDatagrams")}


if __name__ == "__main__":
    _up()
    script, sys.argv = sys.argv[1], sys.argv[1:]
    exec(compile(script, "script", "exec"), {"__name__": "__script__"})
    sys.stdout.write(json.dumps(_counts()))
