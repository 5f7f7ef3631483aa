"""Warnings of units that may take longer than a job is allowed to."""

from __future__ import annotations

from pathlib import Path

import pytest

from epicat.campaign.options import Partition
from epicat.cli.slurm_jobs import SlurmDestination
from epicat.cli.submit_plan import submit_due
from epicat.model import Span
from epicat.slurm.record import SlurmRecord
from epicat.slurm.settings import SlurmSettings
from epicat.slurm.target import Cluster, SlurmTarget
from epicat.time import parse_time
from support.tiny_network import bare_campaign

TWO_DAYS = Span(parse_time("2020-01-01"), parse_time("2020-01-03"))


def warnings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], time: str, **sizes: int
) -> list[str]:
    """Return the warnings of a dry run with a time limit of SLURM."""
    campaign = bare_campaign(TWO_DAYS).model_copy(update={"store": str(tmp_path / "store")})
    record = SlurmRecord.from_plan(
        tmp_path, "tests", SlurmSettings(time=time), campaign, Partition(window_days=2, **sizes),
        strict=False,
    )  # fmt: skip
    destination = SlurmDestination(SlurmTarget(Cluster("tests", 1001)), record, tmp_path)
    submit_due(destination, campaign, recheck=False, dry_run=True, as_json=True)
    lines = capsys.readouterr().err.splitlines()
    return [line for line in lines if "takes an estimated" in line]


def test_units_that_may_exceed_the_time_limit_are_warned_of_once_for_each_stage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # 8 stations, 2 days: picking 160 s; blocks of 6 h: 8 * (10 * 1 + 8 * 0.2) / 4 = 23 s
    assert warnings(tmp_path, capsys, "10", stations_per_unit=8) == []  # 360 s, without spare time
    (picking,) = warnings(tmp_path, capsys, "9", stations_per_unit=8)  # 300 s
    assert "pick-0000 takes an estimated 3 min" in picking
    assert "Raise --time of `epicat submit`, or make units smaller (--stations-per" in picking
    picking, associating = warnings(tmp_path, capsys, "1", stations_per_unit=1)  # 30 s
    assert "pick-0000" in picking
    assert "associate-0000" in associating
    assert "--blocks-per-unit" in associating
    (single,) = warnings(tmp_path, capsys, "0:20", blocks_per_unit=1, stations_per_unit=1)[1:]
    assert "(--block-hours)" in single
