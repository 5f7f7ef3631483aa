from __future__ import annotations

from pathlib import Path

import pytest

from epicat.campaign.file import read_campaign
from epicat.campaign.options import CampaignOptions
from epicat.campaign.parse import make_options
from epicat.errors import InputError
from epicat.geo import Extent
from epicat.model import Span

LEAST = """
start = 2019-06-21
end = 2019-07-01
extent = [39, 41, -125, -123]
archive = "ncedc"
stations = "ncedc"
store = "out"
"""


def write(folder: Path, text: str, name: str = "c.toml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def options(folder: Path, text: str = "", **changed: str) -> CampaignOptions:
    """Return the options of a campaign with some lines changed and others added."""
    lines = dict(line.split(" = ", 1) for line in LEAST.strip().splitlines()) | changed
    whole = "\n".join(f"{key} = {value}" for key, value in lines.items())
    return make_options(CampaignOptions, read_campaign(write(folder, f"{whole}\n{text}")))


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_campaign(path)
    return str(caught.value)


@pytest.mark.parametrize(
    "written",
    [
        "2019.180", '"2019.180"', '"2019-180"', "2019-06-29", '"2019-06-29"',
        "2019-06-29T00:00:00Z", "2019-06-29T00:00:00", "2019-06-29 02:00:00+02:00",
        '"2019-06-29T00:00:00Z"', '" 2019.180 "',
    ],
)  # fmt: skip
def test_a_time_may_be_written_as_one_likes(tmp_path, written):
    expected = Span.parse("2019.180", "2019-07-01")
    assert options(tmp_path, start=written).span == expected


@pytest.mark.parametrize("written", ["2019", "2019.18", "true", "12:00:00", "[2019, 180]"])
def test_what_is_no_time(tmp_path, written):
    with pytest.raises(InputError, match=r"c\.toml: start: .* is not a time.*2019\.172"):
        options(tmp_path, start=written)


@pytest.mark.parametrize(
    "written", ["[-41, -39, 174, 176]", "[-41.0, -39, 174.0, 176]", '"-41,-39,174,176"']
)
def test_an_extent_is_a_list_or_text(tmp_path, written):
    assert options(tmp_path, extent=written).extent == Extent(-41, -39, 174, 176)


def test_numbers_are_those_that_flags_give(tmp_path):
    made = options(
        tmp_path,
        "[pick]\np_threshold = 0.2\n[associate]\nmax_depth = 50\nmargin = -2\n"
        "[associate.pyocto]\ntime_before = 150\nsecond_pass_overwrites = { n_picks = 6, "
        "pick_match_tolerance = 1.5 }\n[partition]\nworkers = 3\n",
    )
    assert made.pick.p_threshold == 0.2
    assert repr(made.associate.max_depth_km) == "50.0"
    assert repr(made.associate.margin_km) == "-2.0"
    assert repr(made.associate.pyocto.time_before) == "150.0"
    again = made.associate.pyocto.second_pass_overwrites
    assert repr(again) == "{'n_picks': 6, 'pick_match_tolerance': 1.5}"
    assert made.partition.workers == 3


def test_what_is_not_in_it_has_the_models_defaults(tmp_path):
    made = options(tmp_path)
    assert (made.pick, made.associate, made.partition) == (
        CampaignOptions.model_fields["pick"].get_default(call_default_factory=True),
        CampaignOptions.model_fields["associate"].get_default(call_default_factory=True),
        CampaignOptions.model_fields["partition"].get_default(call_default_factory=True),
    )
    assert (made.select, made.layout) == ((), None)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("archiv = 1", "unknown key 'archiv': did you mean archive"),
        ("[picks]", "unknown key 'picks': did you mean pick"),
        ("[pick]\np-threshold = 1", "[pick]: unknown key 'p-threshold': did you mean p_threshold"),
        ("[pick]\nmodle = 1", "[pick]: unknown key 'modle': did you mean model?"),
        ("[associate]\nmargin_km = 1", "[associate]: unknown key 'margin_km': did you mean margin"),
        ("[associate.pyocto]\nn_pick = 1", "[associate.pyocto]: unknown key 'n_pick': did you"),
        ("[pick]\nstore = 'x'", "[pick]: store belongs at the top of the file, before the first"),
        ("p_threshold = 1", "p_threshold belongs in [pick]"),
        ("[pick]\nworkers = 1", "[pick]: workers belongs in [partition]"),
        ("[pyocto]\nn_picks = 1", "pyocto belongs in [associate]"),
        ("pick = 'PhaseNet'", "pick is a table: write [pick] above its keys"),
        (
            "[archive]\nlayout = 'sds'",
            "archive is not a table: write archive = ...; it must be text",
        ),
        ("store = ''", "store is empty"),
        ("run = '3x'", "unknown key 'run'"),
    ],
)
def test_unknown_keys_are_told_with_what_may_be_meant(tmp_path, text, told):
    message = refusal(write(tmp_path, text))
    assert message.startswith(f"{tmp_path}/c.toml: ")
    assert told in message


def test_everything_wrong_is_told_at_once(tmp_path):
    message = refusal(write(tmp_path, "a = 1\nb = 2\n[pick]\nc = 3\n"))
    assert message.count("unknown key") == 3
    assert len(message.splitlines()) == 4


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("start = 2019-06-21\nend = ", "at end of document"),
        ("extent = 39,41,-125,-123", "line 1, column 12"),
        ("store = out", "line 1, column 9"),
        ("store = 'a'\nstore = 'b'", "each key may occur once"),
    ],
)
def test_what_is_no_toml(tmp_path, text, told):
    message = refusal(write(tmp_path, text))
    assert "c.toml is not valid TOML: " in message
    assert told in message
    assert "quotation marks" in message


def test_files_that_cannot_be_read(tmp_path):
    assert "`epicat init" in refusal(tmp_path / "none.toml")
    assert "cannot be read: Is a directory" in refusal(tmp_path)
    (tmp_path / "c.toml").write_bytes(b"store = '\xff'")
    assert "is not a UTF-8 text file" in refusal(tmp_path / "c.toml")


def test_a_byte_order_mark_does_no_harm(tmp_path):
    (tmp_path / "c.toml").write_bytes(b"\xef\xbb\xbfstore = 'a'\r\n")
    assert list(read_campaign(tmp_path / "c.toml")) == [("store",)]


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("store = 'mongodb://me:hush@host/db'", "EPICAT_STORE"),
        ("store = 'mongodb+srv://me:hush@host/db'", "EPICAT_STORE"),
        ("archive = 's3://key:hush@bucket'", "AWS_ACCESS_KEY_ID"),
        ("archive_endpoint = 'https://key:hush@host'", "environment"),
        ("stations = 'https://me:hush@host/fdsnws/station/1/query'", "environment"),
    ],
)
def test_passwords_are_refused_and_not_told(tmp_path, line, hint):
    message = refusal(write(tmp_path, line))
    assert "contains a password" in message
    assert hint in message
    assert "hush" not in message


def test_a_store_with_a_name_and_no_password_is_none_of_them(tmp_path):
    made = read_campaign(write(tmp_path, "store = 'mongodb://me@host/db?authMechanism=X'"))
    assert made["store",].value == "mongodb://me@host/db?authMechanism=X"


@pytest.mark.parametrize(
    ("given", "expected"),
    [("catalog", "{}/catalog"), ("@secret", "@{}/secret"), ("@/run/secret", "@/run/secret")],
)
def test_a_store_may_be_told_by_a_file_beside_it(tmp_path, given, expected):
    made = read_campaign(write(tmp_path, f"store = {given!r}"))
    assert made["store",].value == expected.format(tmp_path)


def test_paths_are_relative_to_the_file(tmp_path, monkeypatch):
    made = options(
        tmp_path,
        "[pick]\nweight = 'mine/w.pt'\n[associate]\nvelocity = '/abs/v.csv'\n",
        archive="'../data'", layout="'sds'", stations="'st.csv'",
    )  # fmt: skip
    folder = str(tmp_path)
    assert (made.store, made.archive) == (f"{folder}/out", f"{folder}/../data")
    assert (made.stations, made.pick.weight) == (f"{folder}/st.csv", f"{folder}/mine/w.pt")
    assert made.associate.velocity == "/abs/v.csv"
    monkeypatch.chdir(tmp_path)
    assert read_campaign(Path("c.toml"))["store",].value == "out"


def test_names_and_addresses_are_no_paths(tmp_path):
    made = options(tmp_path, "[pick]\nweight = 'instance'\n", store="'s3://bucket/out'")
    assert (made.archive, made.stations, made.pick.weight) == ("ncedc", "ncedc", "instance")
    assert made.store == "s3://bucket/out"


def test_a_folder_with_the_name_of_an_archive_stays_a_folder(tmp_path, monkeypatch):
    write(tmp_path, "archive = './ncedc'\nstations = './ncedc'")
    monkeypatch.chdir(tmp_path)
    values = read_campaign(Path("c.toml"))
    assert [given.value for given in values.values()] == ["./ncedc", "./ncedc"]


def test_the_home_folder_is_understood(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    made = options(tmp_path / "elsewhere", store="'~/out'")
    assert made.store == f"{tmp_path}/home/out"
