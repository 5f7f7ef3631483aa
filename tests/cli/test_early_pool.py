from __future__ import annotations

import multiprocessing

import pytest

from epicat._util.processes import usable_cores
from epicat.cli.early_pool import pool_for, pool_of_command


def test_run_gives_its_pool_to_the_command() -> None:
    with pool_of_command(["run", "campaign.toml"]), pool_for(usable_cores()) as pool:
        first = multiprocessing.active_children()
        assert len(first) == (usable_cores() > 1)
        with pool_for(usable_cores()) as same:
            assert same is pool
    assert multiprocessing.active_children() == []


def test_another_number_of_workers_takes_another_pool() -> None:
    with pool_of_command(["run", "campaign.toml"]):
        with pool_for(usable_cores() + 1) as pool:
            assert pool.workers == usable_cores() + 1
            assert len(multiprocessing.active_children()) <= 1
        assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    "arguments",
    [[], ["status"], ["run", "--help"], ["run", "--workers=3"], ["run", "--executor", "dask"]],
)
def test_other_commands_start_no_process(arguments: list[str]) -> None:
    with pool_of_command(arguments):
        assert multiprocessing.active_children() == []
