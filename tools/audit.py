"""Check every pinned package for known vulnerabilities.

The database is PyPI's (`pip-audit`).  If it cannot be reached, the
check is reported as not done, and fails with EPICAT_REQUIRE_AUDIT=1.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

__all__ = ["ACCEPTED", "Report", "audit"]

_PROJECT = Path(__file__).resolve().parent.parent
PINS: Final = (_PROJECT / "constraints.txt", _PROJECT / "constraints-docs.txt")
ACCEPTED: Final[Mapping[str, str]] = {}
"""Vulnerabilities that do not concern epicat, by their ids, each with the reason."""

_OPTIONS = ("--no-deps", "--disable-pip", "--format", "json", "--progress-spinner", "off")
_PROBE = "pip==25.3\n"
"""What is asked first: where the database does not answer about this, it answers nothing."""


@dataclass(frozen=True, slots=True)
class Report:
    """The findings of an audit."""

    known: int = 0
    """Number of packages in the database."""
    holes: tuple[str, ...] = ()
    """Vulnerabilities: package, version, id and fixed versions."""
    unknown: tuple[str, ...] = ()
    """Packages that it could not be asked about, and why."""

    @classmethod
    def from_output(cls, text: str, errors: str = "") -> Report:
        """Read pip-audit's JSON; without any, the last line of its errors is the reason."""
        try:
            packages: list[dict[str, Any]] = json.loads(text)["dependencies"]
        except (ValueError, KeyError, TypeError):
            reason = (errors.strip().splitlines() or ["it printed nothing"])[-1][:200]
            return cls(unknown=(f"pip-audit gave no result: {reason}",))
        known = [package for package in packages if "skip_reason" not in package]
        return cls(
            known=len(known),
            holes=tuple(_words(p, hole) for p in known for hole in p["vulns"]),
            unknown=tuple(p["skip_reason"] for p in packages if "skip_reason" in p),
        )


def _words(package: Mapping[str, Any], hole: Mapping[str, Any]) -> str:
    fixed = ", ".join(hole["fix_versions"]) or "no version yet"
    return f"{package['name']} {package['version']}: {hole['id']}, fixed in {fixed}"


def audit(requirements: str, command: Sequence[str]) -> Report:
    """Audit requirements, one ``name==version`` per line."""
    ignored = [part for name in ACCEPTED for part in ("--ignore-vuln", name)]
    with TemporaryDirectory() as folder:
        file = Path(folder) / "requirements.txt"
        file.write_text(requirements, encoding="utf-8")
        asked = [*command, *_OPTIONS, *ignored, "--requirement", str(file)]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)  # nosec B603
    return Report.from_output(done.stdout, done.stderr)


def _pinned() -> str:
    """Return the pins of all files without duplicates."""
    lines = [line for file in PINS for line in file.read_text(encoding="utf-8").splitlines()]
    pins = {line.lower().replace("_", "-") for line in lines if line and not line.startswith("#")}
    return "\n".join(sorted(pins)) + "\n"


def main(command: Sequence[str]) -> int:
    """Audit the pins; return the exit status."""
    report = audit(_PROBE, command)
    if report.known:
        report = audit(_pinned(), command)
    for line in report.holes:
        print(line)
    for name, reason in ACCEPTED.items():
        print(f"accepted: {name}, since {reason}")
    if report.unknown:
        print(
            f"NOT AUDITED: {len(report.unknown) if report.known else 'all'} packages, since "
            f"{report.unknown[0]!r}; run `make audit` where PyPI's database can be asked",
            file=sys.stderr,
        )
    print(f"{report.known} packages audited, {len(report.holes)} vulnerabilities")
    required = os.environ.get("EPICAT_REQUIRE_AUDIT", "0") not in {"", "0"}
    return int(bool(report.holes) or (required and bool(report.unknown)))


if __name__ == "__main__":
    sys.exit(main([str(Path(sys.executable).with_name("pip-audit"))]))
