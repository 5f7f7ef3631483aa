"""The short form of the trials of full and hostile machines, and that a loss is seen."""

from __future__ import annotations

import shutil

import pytest

from faults.machines import trials
from faults.machines.bed import Bed, Case
from faults.trial import Form


def test_hostile_machines_cost_nothing(tmp_path):
    found = list(trials(Form.SHORT, tmp_path))
    for trial in found:
        assert (trial.lost, trial.doubled) == (0, 0), trial
        assert trial.survived == trial.tried, trial
    if sum(trial.tried for trial in found) < 5:
        pytest.skip(f"this machine allows few faults: {[t.remark for t in found]}")


def test_what_is_lost_and_what_is_not_told_is_seen(tmp_path):
    """Rows that a fault deletes and a run does not make again; an exit code that is not right."""

    def forgetful(bed, run):
        done = bed.run(run)
        for picks in (run.store / "picks").rglob("*2020-01/*.parquet"):
            picks.unlink()
        return done

    with Bed.made(tmp_path) as bed:
        verdict = bed.judge(Case("rows deleted", forgetful))
        assert verdict.lost > 0
        assert "lost rows" in verdict.why
        shutil.rmtree(tmp_path / "case1")
        told = bed.judge(Case("nothing", lambda bed, run: bed.run(run), frozenset({1})))
        assert told.why.startswith("leaves with 0")
