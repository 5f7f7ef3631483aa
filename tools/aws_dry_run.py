"""Walk through a campaign on AWS without an account: ``.venv/bin/python tools/aws_dry_run.py``.

Starts the mock AWS of the tests on the loopback, with a synthetic archive in the bucket
``ncedc-pds``, creates the stack, submits, waits, and removes everything, with every command and
what it prints.  Jobs are real processes of this machine.  Needs the tools for development (`make
venv`).  Nothing leaves the machine, and nothing is billed.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

PROJECT: Final = Path(__file__).resolve().parent.parent
REGION: Final = "us-east-2"
IMAGE: Final = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/epicat:0.1.0"
_MAIN: Final = "from epicat.cli.app import main; main()"
_CAMPAIGN: Final = (
    "2024.061 2024.062 39.4,40.6,-124.8,-123.2 --archive ncedc --stations archive/stations.csv "
    "--velocity archive/velocity.txt --velocity-layers constant --model epicat-mini"
)
_COMMANDS: Final = (
    f"epicat cloud up --image {IMAGE} --archive ncedc",
    f"epicat submit {_CAMPAIGN} --dry-run",
    f"epicat submit {_CAMPAIGN}",
    "epicat status --watch --interval 2",
    "epicat export --store STORE --table events -o events.csv",
    "epicat plot --store STORE -o events.png",
    "epicat cost",
    "epicat cloud down --delete-data --yes",
)


@contextmanager
def mock_aws(folder: Path) -> Iterator[tuple[Any, dict[str, str]]]:
    """Give a mock AWS with the archive of a folder, and the environment that leads to it."""
    sys.path.insert(0, str(PROJECT / "tests"))
    from awsbed import Image, serving
    from support import s3

    with serving(hurry=20) as bed:
        bed.client("iam").create_role(RoleName="batch", AssumeRolePolicyDocument="{}")
        paths = (folder / "archive" / "waveforms").rglob("*")
        objects = {
            path.relative_to(folder / "archive" / "waveforms").as_posix(): path.read_bytes()
            for path in paths
            if path.is_file()
        }
        s3.Server(bed.endpoint, bed.client("s3", "us-east-1")).make("ncedc-pds", objects)
        own = {"PYTHONPATH": str(PROJECT / "src"), "EPICAT_CACHE": str(folder / "cache")}
        bed.batch.images[IMAGE] = Image(
            [sys.executable, "-c", _MAIN], {**bed.variables(REGION), **own}
        )
        nothing = {"AWS_CONFIG_FILE": str(folder / "config"), "AWS_EC2_METADATA_DISABLED": "true",
                   "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials")}  # fmt: skip
        yield bed, {**os.environ, **bed.variables(REGION), **own, **nothing, "AWS_REGION": REGION}


def epicat(command: str, folder: Path, environment: dict[str, str], more: str = "") -> None:
    """Print and run a command; what is only needed here is not printed."""
    print(f"\n$ {command}", flush=True)
    words = [*shlex.split(command)[1:], *shlex.split(more)]
    call = [sys.executable, "-c", _MAIN, *words]
    done = subprocess.run(call, cwd=folder, env=environment, check=False)  # nosec B603
    if done.returncode:
        sys.exit(f"exit status {done.returncode}")


def main() -> None:
    """Run all commands in a temporary folder."""
    with TemporaryDirectory(prefix="epicat-aws-") as place:
        folder = Path(place)
        plain = {**os.environ, "PYTHONPATH": str(PROJECT / "src")}
        synth = "epicat synth archive --layout ncedc --events 20 --separation 100 --hours 1"
        epicat(synth, folder, plain)
        with mock_aws(folder) as (bed, environment):
            role = bed.client("iam").get_role(RoleName="batch")["Role"]["Arn"]
            store = f"s3://epicat-campaign-123456789012-{REGION}/store"
            for command in _COMMANDS:
                more = f"--service-role {role}" if " cloud up " in command else ""
                epicat(command.replace("STORE", store), folder, environment, more)


if __name__ == "__main__":
    main()
