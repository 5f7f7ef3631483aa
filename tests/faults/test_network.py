from __future__ import annotations

from pathlib import Path

from faults import network
from faults.trial import Form


def test_a_bad_network_costs_nothing(tmp_path: Path) -> None:
    for trial in network.trials(Form.SHORT, tmp_path):
        assert (trial.lost, trial.doubled) == (0, 0), trial
        assert trial.survived == trial.tried > 0, trial
