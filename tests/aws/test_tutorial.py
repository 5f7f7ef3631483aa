"""The commands of docs/tutorial/aws.md in their order, against the mock.

Without waveforms: the archive's bucket is empty.  The image stands for the workers of this source.
"""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

from awsbed import Image
from support import s3

PROJECT = Path(__file__).resolve().parents[2]
PAGE = PROJECT / "docs" / "tutorial" / "aws.md"
REGION = "us-east-2"
IMAGE = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/epicat:0.1.0"
STORE = f"s3://epicat-campaign-123456789012-{REGION}/store"
STATIONS = """id,longitude,latitude
NC.KCT..EHZ,-124.1,40.4
BK.JCC.00.BHZ,-124.0,40.8
NC.KMR..HHZ,-123.6,40.2
"""
OFFLINE = ("--model", "epicat-mini")
"""In place of weights that are downloaded."""


def commands() -> list[list[str]]:
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), re.M | re.S)
    lines = [line for block in blocks for line in re.sub(r"\\\n", " ", block).splitlines()]
    filled = (line.replace("$IMAGE", IMAGE).replace("$STORE", STORE) for line in lines)
    return [shlex.split(line)[1:] for line in filled if line.startswith("epicat ")]


def here(words: list[str], role: str) -> list[str]:
    """Return a command as it can be run here: offline, without a terminal, without haste."""
    if words[:3] == ["cloud", "exec", "--"]:  # test_credentials.py runs it
        words = words[4:]
    for option in ("--weights", "--model"):
        if option in words:
            at = words.index(option)
            words = [*words[:at], *words[at + 2 :]]
    if words[0] == "submit":
        words = [*words, *OFFLINE]
    if words[:2] == ["cloud", "up"]:
        words = [*words, "--service-role", role]
    if words[:2] == ["cloud", "down"]:
        words = [*words, "--yes"]
    return [*words, "--interval", "0.2"] if "--watch" in words else words


@pytest.fixture
def prepared(bed, tmp_path, monkeypatch):
    """Stand where the page begins: a region, the image, the list of stations, the archive."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setattr("epicat.aws.session.Aws.pause_s", 0.05)
    (tmp_path / "stations.csv").write_text(STATIONS)
    s3.Server(bed.endpoint, bed.client("s3", "us-east-1")).make("ncedc-pds", {"x": b""})
    variables = {**bed.variables(REGION), "PYTHONPATH": str(PROJECT / "src"),
                 "EPICAT_CACHE": str(tmp_path / "cache")}  # fmt: skip
    start = "from epicat.cli.app import main; main()"
    bed.batch.images[IMAGE] = Image([sys.executable, "-c", start], variables)


@pytest.mark.slow
def test_the_page_can_be_walked(bed, epicat, role, prepared):
    said = {}
    for words in commands():
        told = epicat(*here(words, role))
        assert told.code == 0, (words, told.err)
        said[" ".join(words[:2])] = told
        if words[0] == "retry":
            assert "nothing to do" in told.err
        if "--dry-run" in words:
            assert "nothing was written or submitted" in told.err
            assert "at least" in told.err
        if words[0] == "submit":
            bed.batch.finish()
    assert {"cloud policy", "cloud up", "cloud down", "cloud exec", "submit 2019.172"} <= set(said)
    assert "the bucket itself" in said["cloud down"].err, "the last one deletes the data"
    buckets = bed.client("s3").list_buckets()["Buckets"]
    assert not any("epicat-campaign" in bucket["Name"] for bucket in buckets)
