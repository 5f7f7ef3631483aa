"""A real server of MongoDB's wire protocol on the loopback, with users and TLS, as a process.

It is SecantusDB (GPL-2.0), which is installed for development only and only ever runs beside us.
What it does differently from MongoDB is told where a test goes around it.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import quote_plus

import pymongo
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "ana", "s3cr:t/@ä#%"
READER, READER_PASSWORD = "rita", "reads-only"
ENCODED = quote_plus(PASSWORD)
_PROGRAM = "secantusd-py"
_UP_S, _DOWN_S = 30.0, 10.0


def program() -> str:
    """Return the server's program; skip without it, or fail where everything has to run."""
    beside = Path(sys.executable).parent / _PROGRAM
    found = str(beside) if beside.exists() else shutil.which(_PROGRAM)
    if found:
        return found
    reason = f"no {_PROGRAM}: it is in the dependency group dev (pip install --group dev)"
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@dataclass
class MongoServer:
    """The server, that may be killed and started again on the same data."""

    folder: Path
    port: int
    secure: bool = True
    lasting: bool = False
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def options(self) -> str:
        return f"tls=true&tlsCAFile={self.folder / 'ca.pem'}" if self.secure else ""

    def url(self, database: str, user: str = USER, password: str = ENCODED, more: str = "") -> str:
        """Return the address of a database, with the password."""
        account = f"{user}:{password}@" if self.secure else ""
        source = "authSource=admin" if self.secure else ""
        options = "&".join(filter(None, [self.options, source, more]))
        return f"mongodb://{account}{self.host}/{database}?{options}"

    def client(self) -> pymongo.MongoClient:
        """Return a client that may do everything."""
        return pymongo.MongoClient(self.url("admin"), serverSelectionTimeoutMS=5000)

    def start(self, *, secure: bool | None = None) -> None:
        """Start it, and wait until it answers."""
        secure = self.secure if secure is None else secure
        safe = ["--auth", "--tls-cert-file", "server.pem", "--tls-key-file", "server.key"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [program(), "--host", "127.0.0.1", "--port", str(self.port),
                 "--storage-path", "data", "--cache-size", "256M", "--log-level", "WARNING",
                 *(["--sync-on-commit"] if self.lasting else []), *(safe if secure else [])],
                cwd=self.folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        until = time.monotonic() + _UP_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                text = (self.folder / "log").read_text(errors="replace")[-2000:]
                assert self._process.poll() is None, f"{_PROGRAM} ended: {text}"
                assert time.monotonic() < until, f"{_PROGRAM} does not answer: {text}"
                time.sleep(0.02)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it: by SIGKILL as a power cut does."""
        if self._process is not None:
            self._process.send_signal(number)
            try:
                self._process.wait(_DOWN_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None


@contextmanager
def serving(folder: Path, *, secure: bool = True, lasting: bool = False) -> Iterator[MongoServer]:
    """Run a server with its data in a folder.

    ``secure`` asks for a user and TLS, ``lasting`` syncs the disk at each commit, so that what it
    has acknowledged survives SIGKILL.
    """
    folder.mkdir(parents=True, exist_ok=True)
    server = MongoServer(folder, _free_port(), secure, lasting)
    try:
        if secure:
            make_certificates(folder)
            _make_users(server)
        server.start()
        yield server
    finally:
        server.stop()


def _make_users(server: MongoServer) -> None:
    server.start(secure=False)
    with pymongo.MongoClient(f"mongodb://{server.host}", serverSelectionTimeoutMS=5000) as client:
        admin = client.admin
        roles = ["readWriteAnyDatabase", "dbAdminAnyDatabase"]
        admin.command("createUser", USER, pwd=PASSWORD, roles=roles)
        admin.command("createUser", READER, pwd=READER_PASSWORD, roles=["readAnyDatabase"])
    server.stop()


def make_certificates(folder: Path, names: Sequence[str] = ("127.0.0.1",)) -> None:
    """Write an authority, ``ca.pem``, and what it has signed for a server, ``server.pem, .key``."""
    authority = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority of the tests")])
    root = _certificate(issuer, issuer, authority, authority, x509.BasicConstraints(True, None))
    (folder / "ca.pem").write_bytes(root.public_bytes(serialization.Encoding.PEM))
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a server of the tests")])
    places = x509.SubjectAlternativeName([x509.IPAddress(ip_address(name)) for name in names])
    leaf = _certificate(subject, issuer, key, authority, places)
    (folder / "server.pem").write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
    (folder / "server.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    extension: x509.ExtensionType,
) -> x509.Certificate:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .sign(signer, hashes.SHA256())
    )


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
