"""The pages about AWS: one region, no tag pushed twice."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = (
    "howto/cloud.md",
    "reference/cloud.md",
    "tutorial/aws.md",
    "howto/image.md",
    "design/aws-experiments.md",
)


def shell(page: str) -> str:
    blocks = re.findall(r"^```sh\n(.*?)^```", (DOCS / page).read_text(), re.M | re.S)
    return re.sub(r"\\\n", " ", "\n".join(blocks))


@pytest.mark.parametrize("page", PAGES)
def test_one_variable_gives_the_region_throughout(page):
    text = shell(page)
    assert not re.findall(r"(?<!AWS_)\bREGION\b", text)
    assert "--region" not in text
    regions = set(re.findall(r"[a-z]{2}-(?:east|west|south|north|central)\w*-\d", text))
    assert regions <= {"us-east-2"}, "the region of the archive in the examples"


def test_a_tag_of_the_immutable_repository_is_pushed_once():
    lines = shell("howto/image.md").splitlines()
    pushed = [re.findall(r"epicat:([\w.-]+)", line)[0] for line in lines
              if line.startswith("docker push") or " --push ." in line]  # fmt: skip
    assert len(pushed) == len(set(pushed)) == 2
    built = [line for line in lines if line.startswith("docker build ")]
    assert all("--platform linux/amd64" in line for line in built)
