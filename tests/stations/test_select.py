from __future__ import annotations

import pytest

from epicat.errors import InputError
from epicat.model import Station
from epicat.stations import Patterns

STATIONS = [
    Station(*name.split("."), tuple(channels.split()), 0.0, 0.0, 0.0)
    for name, channels in (
        ("BK.ARC.", "HHZ HNZ"), ("BK.JCC.00", "HHZ"), ("NC.KBG.", "EHZ"), ("NC.KBX.*", ""),
        ("NP.A1.20", "HNZ"),
    )
]  # fmt: skip


def chosen(include=(), exclude=()):
    return " ".join(s.id for s in Patterns(include, exclude).chosen(STATIONS))


@pytest.mark.parametrize(
    ("include", "exclude", "ids"),
    [
        ([], [], "BK.ARC. BK.JCC.00 NC.KBG. NC.KBX.* NP.A1.20"),
        (["*"], [], "BK.ARC. BK.JCC.00 NC.KBG. NC.KBX.* NP.A1.20"),
        (["NC.*"], [], "NC.KBG. NC.KBX.*"),
        (["N?"], [], "NC.KBG. NC.KBX.* NP.A1.20"),
        (["NC"], [], "NC.KBG. NC.KBX.*"),
        (["NC.*", "BK.A*..HH"], [], "BK.ARC. NC.KBG. NC.KBX.*"),
        (["*.*..*"], [], "BK.ARC. NC.KBG. NC.KBX.*"),
        (["*.*.--"], [], "BK.ARC. NC.KBG. NC.KBX.*"),
        (["*.*.*.HN"], [], "BK.ARC. NP.A1.20"),
        (["*.KB[A-G]"], [], "NC.KBG."),
        ([], ["NP", "*.KBX"], "BK.ARC. BK.JCC.00 NC.KBG."),
        (["NC.*"], ["*.KBG."], "NC.KBX.*"),
    ],
)
def test_patterns(include, exclude, ids):
    if "KBG." in " ".join(exclude):  # NC.KBX leaves its location open, and is not KBG
        assert chosen(include, exclude) == "NC.KBX.*"
    assert chosen(include, exclude) == ids


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("NC.KBGG", "matches none of the 5 stations: did you mean NC.KBG or NC.KBX?"),
        ("nc.kbg", "did you mean NC.KBG"),
        ("ZZ.*", "there are BK.ARC, BK.JCC, NC.KBG, NC.KBX, NP.A1"),
        ("QQ", "there are BK, NC, NP"),
        ("BK.JCC.01", "did you mean BK.JCC.00"),
    ],
)
def test_a_pattern_that_matches_nothing_is_an_error_with_near_names(pattern, told):
    for include, exclude in (([pattern], []), ([], [pattern]), (["NC.*", pattern], [])):
        with pytest.raises(InputError) as caught:
            chosen(include, exclude)
        assert repr(pattern) in str(caught.value)
        assert told in str(caught.value)


@pytest.mark.parametrize("pattern", ["", ".KBG", "NC.KBG.00.HHZ.more"])
def test_what_is_no_pattern(pattern):
    with pytest.raises(InputError, match=r"is not NET, NET\.STA"):
        Patterns([pattern])


def test_removing_all_stations_is_an_error():
    with pytest.raises(InputError, match="remove all of 5 stations"):
        chosen(["NC.*"], ["N*"])


def test_what_a_files_name_is_asked_before_it_is_read():
    patterns = Patterns(["NC.K*", "BK.*.00"])
    assert patterns.allow("NC", "KBG")
    assert patterns.allow("BK", "ARC")
    assert not patterns.allow("NC", "ARC")
    assert Patterns().allow("NC", "ARC")
