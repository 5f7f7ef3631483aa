"""What tests ask for: an AWS on this machine, and epicat's commands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from awsbed import Bed, serving
from epicat.cli.app import main


@pytest.fixture(scope="session")
def session_bed() -> Iterator[Bed]:
    with serving(hurry=20) as bed:
        bed.client("iam").create_role(RoleName="batch", AssumeRolePolicyDocument="{}")
        yield bed


@pytest.fixture
def bed(session_bed: Bed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Bed:
    """Give an AWS on this machine, which the environment leads to; its record is empty."""
    for name, value in session_bed.variables().items():
        monkeypatch.setenv(name, value)
    # No configuration of the user's, and nothing asked twice before a test may go on
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    session_bed.asked.clear()
    session_bed.answered.clear()
    return session_bed


@dataclass
class Told:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def epicat(capsys: pytest.CaptureFixture[str]) -> Any:
    """Give a function that runs a command like the shell and returns its output."""

    def run(*given: object) -> Told:
        with pytest.raises(SystemExit) as left:
            main([str(word) for word in given])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return Told(int(left.value.code or 0), said.out, said.err)

    return run


@pytest.fixture
def role(bed: Bed) -> str:
    """Give the ARN of a role for Batch, which moto wants to be named."""
    return str(bed.client("iam").get_role(RoleName="batch")["Role"]["Arn"])
