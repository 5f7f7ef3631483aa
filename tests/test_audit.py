"""The audit of the pinned packages: silence is no pass."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tools import audit

GOOD: dict[str, Any] = {"name": "six", "version": "1", "vulns": []}
HOLE = {"id": "PYSEC-1", "fix_versions": ["2", "3"], "aliases": [], "description": ""}
BAD = {"name": "x", "version": "1", "vulns": [HOLE]}
SKIPPED = {"name": "x", "skip_reason": "Dependency not found on PyPI: x (1)"}

FAKE = """
import json, pathlib, sys
asked = pathlib.Path(sys.argv[-1]).read_text()
with open(sys.argv[1], "a") as log:
    log.write(str(asked.count("==")) + " ")
print(pathlib.Path(sys.argv[2]).read_text())
"""


def audited(folder: Path, answer: str) -> tuple[int, list[int]]:
    """Return the exit code where the database answers so, and how many packages it was asked."""
    (folder / "fake.py").write_text(FAKE)
    (folder / "answer").write_text(answer)
    command = [sys.executable, str(folder / "fake.py"), str(folder / "log"), str(folder / "answer")]
    code = audit.main(command)
    return code, [int(count) for count in (folder / "log").read_text().split()]


def answer(*packages: dict[str, Any]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def test_what_has_no_hole_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, asked = audited(tmp_path, answer(GOOD))
    assert code == 0
    assert asked[0] == 1
    assert asked[1] > 100
    told = capsys.readouterr()
    assert told.out == "1 packages audited, 0 vulnerabilities\n"
    assert told.err == ""


def test_a_hole_fails_and_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audited(tmp_path, answer(GOOD, BAD))[0] == 1
    assert "x 1: PYSEC-1, fixed in 2, 3" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "Traceback", "{}", "[]", answer(SKIPPED)])
def test_a_database_that_does_not_answer_is_told(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EPICAT_REQUIRE_AUDIT", raising=False)
    assert audited(tmp_path, text) == (0, [1])
    told = capsys.readouterr()
    assert "NOT AUDITED" in told.err
    assert "0 packages audited" in told.out
    monkeypatch.setenv("EPICAT_REQUIRE_AUDIT", "1")
    assert audited(tmp_path, text)[0] == 1


def test_exceptions_have_reasons() -> None:
    assert all(reason.strip() for reason in audit.ACCEPTED.values())
