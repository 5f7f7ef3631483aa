"""``epicat cloud exec``: a command with the credentials of a profile."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

from epicat.cli.aws_jobs import AwsJobs
from epicat.store.open import open_store

SRC = Path(__file__).resolve().parents[2] / "src"
SHOW = (
    "import os; print(*(os.environ.get(n) for n in "
    "('AWS_ACCESS_KEY_ID', 'AWS_SESSION_TOKEN', 'AWS_REGION')))"
)


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {n: v for n, v in os.environ.items() if not n.startswith("AWS_")}
    environment |= {
        "AWS_CONFIG_FILE": str(folder / "config"), "PYTHONPATH": str(SRC),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"), "AWS_SESSION_TOKEN": "stale",
        "AWS_EC2_METADATA_DISABLED": "true",
    }  # fmt: skip
    return subprocess.run(
        [sys.executable, "-m", "epicat", "cloud", "exec", *command],
        check=False, capture_output=True, text=True, env=environment,
    )  # fmt: skip


def test_a_command_gets_fresh_credentials_of_a_profile(tmp_path):
    (tmp_path / "credentials").write_text(
        "[seis]\naws_access_key_id=AKIAONE\naws_secret_access_key=x\nregion=us-east-2\n"
    )
    show = ("--profile", "seis", "--", sys.executable, "-c", SHOW)
    done = run(tmp_path, *show)
    assert done.stdout.split() == ["AKIAONE", "None", "us-east-2"], done.stderr
    # Renewed in the meantime: the next command has the new ones
    text = (tmp_path / "credentials").read_text()
    (tmp_path / "credentials").write_text(text.replace("AKIAONE", "AKIATWO"))
    assert run(tmp_path, *show).stdout.split()[0] == "AKIATWO"


def test_a_command_that_does_not_exist_or_fails_says_so(tmp_path):
    (tmp_path / "credentials").write_text(
        "[default]\naws_access_key_id=A\naws_secret_access_key=x\nregion=us-east-2\n"
    )
    missing = run(tmp_path, "--", "no-such-program")
    assert missing.returncode == 2
    assert "'no-such-program' cannot be run: No such file or directory" in missing.stderr
    assert run(tmp_path, "--", sys.executable, "-c", "raise SystemExit(7)").returncode == 7


class _Renewed:
    """AWS with temporary credentials that are renewed from time to time."""

    keys = "first"

    def credential_variables(self) -> dict[str, str]:
        return {"AWS_ACCESS_KEY_ID": self.keys}


def test_a_long_wait_takes_renewed_credentials(tmp_path):
    open_store(str(tmp_path / "store"), create=True)
    aws = _Renewed()
    record = SimpleNamespace(store=str(tmp_path / "store"))
    jobs = AwsJobs(aws, record)  # type: ignore[arg-type]
    first = jobs.open_store()
    assert jobs.open_store() is first
    aws.keys = "second"
    assert jobs.open_store() is not first
