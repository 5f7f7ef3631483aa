"""Secrets are told nobody: not in talk, in files, in buckets, nor in the list of processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from epicat.cli.store_address import secure
from support import s3
from support.network_fixtures import written_network
from support.tiny_network import arguments, truths
from support.watching import SOURCE

SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMIK7MDENG",
    "AWS_SESSION_TOKEN": "FwoGZXIvYXdzEBYaDtoken",
    "EPICAT_STORE_ABC": "mongodb://ana:s3cretOfAna@db.example.org/x",
}
HIDDEN = [*SECRETS.values(), "s3cretOfAna"]


network = written_network(truths([60]), around_s=200)


def command_lines() -> Iterator[str]:
    """Give what ``ps`` would show of each process."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            yield (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue


def spied_on(command: list[str], environment: dict[str, str]) -> tuple[int, str, set[str]]:
    """Run a command; return its exit code, its talk, and the command lines that were seen."""
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    seen: set[str] = set()
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.05):
            seen.update(command_lines())

    looking = threading.Thread(target=look)
    looking.start()
    try:
        told, _ = process.communicate(timeout=300)
    finally:
        over.set()
        looking.join()
    return process.returncode, told, seen


def test_no_key_of_aws_is_told_or_kept_or_shown(
    s3_server: s3.Server, network: Path, tmp_path: Path, epicat_cache: Path
) -> None:
    files = [p for p in (network / "sds").rglob("*") if p.is_file()]
    objects = {p.relative_to(network / "sds").as_posix(): p.read_bytes() for p in files}
    archive = s3_server.make("closed-archive", objects, public=False)
    store = s3_server.make("closed-store", {}, public=False)
    given = arguments(network, tmp_path / "unused", "--workers", "2", "--json")
    for option, value in (("--archive", archive), ("--store", store)):
        given[given.index(option) + 1] = value
    environment = {
        **os.environ, **SECRETS, "AWS_ACCESS_KEY_ID": "owner", "RUST_LOG": "trace",
        "AWS_ENDPOINT_URL": s3_server.endpoint, "AWS_REGION": "us-east-1",
        "PYTHONPATH": str(SOURCE), "HOME": str(tmp_path), "TMPDIR": str(tmp_path),
    }  # fmt: skip
    code, told, seen = spied_on([sys.executable, "-m", "epicat", "run", *given], environment)
    assert code == 0, told
    assert json.loads(told.splitlines()[-1])["events"] == 1
    assert sum("spawn_main" in line for line in seen) >= 2  # the workers were there to be seen
    paginator = s3_server.client.get_paginator("list_objects_v2")
    keys = [
        o["Key"] for page in paginator.paginate(Bucket="closed-store") for o in page["Contents"]
    ]
    kept = [s3_server.client.get_object(Bucket="closed-store", Key=k)["Body"].read() for k in keys]
    kept += [p.read_bytes() for f in (tmp_path, epicat_cache) for p in f.rglob("*") if p.is_file()]
    assert len(keys) > 5
    for secret in HIDDEN:
        assert secret not in told
        assert not any(secret in line for line in seen)
        assert not any(secret.encode() in body for body in kept)


@pytest.mark.parametrize(("mode", "is_told"), [(0o600, False), (0o644, True), (0o640, True)])
@pytest.mark.parametrize("form", ["@{}", "mongodb://ana@db.example.org/x#file:{}"])
def test_a_file_with_a_password_that_others_may_read_is_told(
    tmp_path: Path, mode: int, is_told: bool, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "my address"
    file.write_text(SECRETS["EPICAT_STORE_ABC"])
    file.chmod(mode)
    secure(form.format(file), None)
    told = capsys.readouterr().err
    assert (f"chmod 600 '{file}'" in told) == is_told
    assert ("other users of this machine can read" in told) == is_told
    assert "s3cretOfAna" not in told


def test_a_file_without_a_password_may_be_read_by_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "place").write_text(str(tmp_path / "store"))
    (tmp_path / "place").chmod(0o644)
    assert secure(f"@{tmp_path / 'place'}", None) == str(tmp_path / "store")
    assert capsys.readouterr().err == ""
