"""The short form: twenty kills, some stops and two runs at once."""

from __future__ import annotations

from pathlib import Path

from faults.kills import trials
from faults.trial import Form


def test_kills_and_rivals_cost_nothing(tmp_path: Path) -> None:
    found = list(trials(Form.SHORT, tmp_path))
    assert sum(trial.tried for trial in found if "killed" in trial.what) >= 20
    for trial in found:
        assert (trial.lost, trial.doubled, trial.survived) == (0, 0, trial.tried), trial
