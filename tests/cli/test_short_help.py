"""``--help`` of a long command fits a screen, ``--help-all`` has every option."""

from __future__ import annotations

import re

import pytest
from typer.testing import CliRunner

from epicat._util.option_models import options_of
from epicat.campaign.options import CampaignOptions
from epicat.cli.app import app
from epicat.cli.short_help import COMMON

LONG = ["init", "run", "associate", "plan", "submit"]


def flags(*arguments, columns=120):
    done = CliRunner().invoke(app, list(arguments), env={"COLUMNS": str(columns), "TERM": "dumb"})
    assert done.exit_code == 0, done.output
    return set(re.findall(r"--[a-z][a-z-]+", done.output)), done.output.splitlines()


@pytest.mark.parametrize("command", LONG)
def test_the_help_is_short_and_names_the_way_to_all_options(command):
    shown, lines = flags(command, "--help")
    everything, all_lines = flags(command, "--help-all")
    assert "--help-all" in shown
    assert shown < everything
    assert len(lines) < len(all_lines) / 2


@pytest.mark.parametrize("command", ["export", "status", "plot"])
def test_the_help_of_a_command_for_a_store_has_a_line_for_each_option(command):
    shown, lines = flags(command, "--help", columns=80)
    everything, _ = flags(command, "--help-all", columns=200)
    assert everything - shown <= {"--help", "--output"}, "-o is shown instead"
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 80


def test_an_argument_that_is_only_a_file_and_an_option_that_is_needed_are_shown_so():
    _, lines = flags("plot", "--help", columns=80)
    shown = [" ".join(line.split()) for line in lines]
    assert "-o FILE a .png, .pdf or .svg file (required)" in shown
    assert "CAMPAIGN.toml A campaign file, which names the store." in shown
    assert not any("EXTENT" in line for line in lines)


@pytest.mark.parametrize("columns", [80, 200])
def test_the_help_of_run_fits_a_screen(columns):
    _, lines = flags("run", "--help", columns=columns)
    assert len(lines) <= 36
    assert max(map(len, lines)) <= 80
    options = [line.split()[0] for line in lines if line.startswith("  --")]
    assert options[0] == "--archive"
    assert "--scheduler" not in options


def test_defaults_and_what_an_option_takes_are_shown():
    _, lines = flags("submit", "--help", columns=80)
    shown = [" ".join(line.split()) for line in lines]
    assert "--region VALUE AWS region" in shown
    assert "--model NAME SeisBench model, or epicat-mini [PhaseNet]" in shown
    assert "--name NAME name of the campaign; several can exist at once [campaign]" in shown


def test_paragraphs_of_the_help_are_not_broken_where_the_code_breaks_them():
    _, lines = flags("export", "--help-all", columns=300)
    assert any("has also the station-days that were requested" in line for line in lines)


def test_common_options_exist_and_are_shown():
    known = {option.key: option.flag for option in options_of(CampaignOptions).values()}
    assert {known[name] for name in COMMON} <= flags("run", "--help")[0]
    assert (
        set(known.values()) - {f for f in known.values() if " " in f}
        <= flags("run", "--help-all")[0]
    )


def test_what_the_short_help_leaves_out_can_be_given():
    done = CliRunner().invoke(app, ["run", "--halo", "-1", "1", "2", "3"])
    assert "No such option" not in done.output
