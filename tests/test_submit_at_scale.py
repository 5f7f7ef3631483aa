"""The measurement of the largest campaign, on a small one."""

from __future__ import annotations

from benchmarks.submit_at_scale import main


def test_a_small_campaign_is_planned_submitted_and_counted(capsys):
    main(100, 4)
    told = capsys.readouterr().out
    assert "400 station-days and 16 blocks in " in told
    # Two windows, each an array that picks and a job that associates
    assert "4 calls of AWS Batch, none with more than 2 dependencies; " in told
