"""The short form of the trials of full and hostile machines, and that each sees a loss."""

from __future__ import annotations

import pytest

from torture.machines import trials
from torture.trial import Form


def test_hostile_machines_cost_nothing(tmp_path, capsys):
    found = list(trials(Form.SHORT, tmp_path))
    with capsys.disabled():
        pass
    for trial in found:
        assert (trial.lost, trial.doubled) == (0, 0), trial
        assert trial.survived == trial.tried, trial
    assert sum(trial.tried for trial in found) >= 5 or pytest.skip("this machine allows few faults")
