"""The file that `epicat init` writes, and the reference page."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epicat._util.option_models import options_of
from epicat.campaign.file import parse_campaign
from epicat.campaign.options import CampaignOptions
from epicat.campaign.parse import Given, make_options
from epicat.campaign.reference import reference_page
from epicat.campaign.template import campaign_text, toml_value

HERE = Path("c.toml")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "campaign.md"


def uncommented(text):
    return re.sub(r"(?m)^#(?=\w+ = )", "", text)


def test_a_new_file_gives_nothing():
    assert parse_campaign(campaign_text({}, full=True), HERE) == {}


def test_a_new_file_has_every_option_once():
    lines = re.findall(r"(?m)^#?(\w+) = ", campaign_text({}, full=True))
    assert lines == [option.key for option in options_of(CampaignOptions).values()]


def test_its_commented_lines_are_the_defaults_or_marked_as_examples():
    values = parse_campaign(uncommented(campaign_text({}, full=True)), HERE)
    assert set(values) == set(options_of(CampaignOptions))
    for path, option in options_of(CampaignOptions).items():
        (line,) = re.findall(rf"(?m)^#{option.key} = .*$", campaign_text({}, full=True))
        assert line.endswith("# an example") == (option.default in (None, ())), path
        if option.default not in (None, ()):
            assert values[path].value == option.default


def test_all_of_it_uncommented_can_be_used():
    made = make_options(
        CampaignOptions, parse_campaign(uncommented(campaign_text({}, full=True)), HERE)
    )
    assert (made.start, made.archive, made.associate.pyocto.n_picks) == ("2019.172", "ncedc", 8)


def test_lines_are_short_enough_to_read():
    assert max(map(len, campaign_text({}, full=True).splitlines())) <= 100


def test_what_was_given_is_filled_in():
    asked_for = {
        ("start",): "2019.172", ("end",): "2019.182", ("extent",): "-41,-39.25,174,176",
        ("archive",): "data/sds", ("stations",): "ncedc", ("store",): "s3://bucket/out",
        ("select",): ("NC.*", "BK.*"), ("pick", "weight"): "my.pt",
        ("associate", "margin"): -2.0, ("associate", "pyocto", "n_picks"): 8,
    }  # fmt: skip
    text = campaign_text({path: Given(value, "") for path, value in asked_for.items()})
    values = {path: given.value for path, given in parse_campaign(text, HERE).items()}
    assert "extent = [-41, -39.25, 174, 176]\n" in text
    assert [float(edge) for edge in values.pop(("extent",))] == [-41, -39.25, 174, 176]
    assert values == {path: v for path, v in asked_for.items() if path != ("extent",)}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("data", "../data"), ("sub/data", "data"), ("/data", "/data"), ("ncedc", "ncedc"),
        ("./ncedc", "../ncedc"), ("sub/ncedc", "./ncedc"), ("s3://bucket", "s3://bucket"),
    ],
)  # fmt: skip
def test_paths_lead_from_the_file_to_where_they_led(value, written):
    text = campaign_text({("archive",): Given(value, "")}, "sub")
    assert f'\narchive = "{written}"\n' in text
    read = parse_campaign(text, Path("sub/c.toml"))["archive",].value
    assert (read == value) == (value in {"ncedc", "/data", "s3://bucket", "sub/data"})
    assert Path(read).resolve() == Path(value).resolve() or "://" in value


VALUES = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@given(VALUES)
def test_values_come_back_from_toml(value):
    assert tomllib.loads(f"x = {toml_value(value)}")["x"] == value


def test_the_reference_page_is_the_one_of_these_models():
    assert PAGE.read_text(encoding="utf-8") == reference_page(), "run tools/campaign_reference.py"


def test_the_reference_page_has_every_key():
    for option in options_of(CampaignOptions).values():
        assert f"| `{option.key}` | {option.kind} |" in reference_page()


def test_the_short_file_has_what_is_required_given_or_common():
    text = campaign_text({("quality", "max_gap_share"): Given(0.5, "")})
    keys = set(re.findall(r"(?m)^#?(\w+) = ", text))
    assert {"start", "end", "extent", "archive", "store", "model", "name", "max_gap_share"} <= keys
    assert "min_segment" not in keys
    assert len(text.splitlines()) < 100 < len(campaign_text({}, full=True).splitlines())
