"""Start the server: on the loopback with a token, elsewhere with a password."""

from __future__ import annotations

import os
import secrets
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from epicat.errors import InputError
from epicat.viewer.server.app import make_app
from epicat.viewer.server.security import Guard, is_loopback, names_of
from epicat.viewer.server.waveforms import load_filters

if TYPE_CHECKING:
    from epicat.viewer.server.session import Session

__all__ = ["guard_for", "read_password", "serve"]

_SHORTEST = 12


def read_password(reference: str) -> str:
    """Return the password that ``env:NAME`` or ``file:PATH`` refers to.

    Raises `InputError` for another form, if there is none, or if it is shorter than 12 letters.
    """
    kind, _, name = reference.partition(":")
    if kind == "env":
        password = os.environ.get(name, "")
    elif kind == "file":
        try:
            password = Path(name).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise InputError(f"cannot read the password: {name!r}: {error.strerror}") from error
    else:
        raise InputError("--password takes env:NAME or file:PATH, not the password itself")
    if len(password) < _SHORTEST:
        raise InputError(f"the password of {reference!r} has fewer than {_SHORTEST} letters")
    return password


def guard_for(host: str, password: str, names: tuple[str, ...] = ()) -> Guard:
    """Return the guard of a server; raise `InputError` if it would be open to a network."""
    if not is_loopback(host) and not password:
        raise InputError(
            f"listening on {host!r} needs --password env:NAME or file:PATH; to look at it from "
            "another machine without one, keep 127.0.0.1 and use `ssh -L`"
        )
    own = () if is_loopback(host) else (host, socket.gethostname(), socket.getfqdn())
    return Guard(secrets.token_urlsafe(24), password, names_of((*own, *names)))


def serve(
    session: Session, host: str, port: int, guard: Guard, report: Callable[[str], None]
) -> None:
    """Serve until interrupted; ``report`` receives the address.  Port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, port))
            listening.listen()  # the address that is printed next can be opened at once
        except OSError as error:
            raise InputError(f"cannot listen on {host} port {port}: {error.strerror}") from error
        port = listening.getsockname()[1]
        for line in _addresses(host, port, guard):
            report(line)
        # The first record section need not wait for the import.
        threading.Thread(target=load_filters, daemon=True).start()
        config = uvicorn.Config(make_app(session, guard), log_level="warning", access_log=False)
        uvicorn.Server(config).run(sockets=[listening])


def _addresses(host: str, port: int, guard: Guard) -> list[str]:
    if guard.password:
        return [f"http://{host}:{port}/ (any user, and the password)"]
    return [
        f"http://127.0.0.1:{port}/?token={guard.token}",
        f"from another machine: ssh -L {port}:127.0.0.1:{port} {socket.gethostname()}, then this "
        "address",
        f"FDSN event service: http://127.0.0.1:{port}/t/{guard.token}",
    ]
