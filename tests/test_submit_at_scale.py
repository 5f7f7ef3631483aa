"""The measurement of the largest campaign, on a small one."""

from __future__ import annotations

from benchmarks.submit_at_scale import main


def test_a_small_campaign_is_planned_submitted_and_counted(capsys):
    main(100, 4)
    told = capsys.readouterr().out
    assert "400 station-days and 16 blocks in " in told
    # Two windows that pick; the blocks of both need both, and are one array
    assert "in 6 jobs, 50 stations or 76 blocks a unit" in told
    assert "3 calls of AWS Batch, none with more than 2 dependencies; " in told
