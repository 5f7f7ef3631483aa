from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from epicat.archive.layouts import (
    LAYOUTS,
    Earthscope,
    Entry,
    Geonet,
    Layout,
    Ncedc,
    Scedc,
    Sds,
    choose_layout,
    newest,
)
from epicat.errors import NameChoiceError
from epicat.miniseed import station_spans
from support.layout_keys import KEYS

CODES = st.tuples(
    st.from_regex(r"[A-Z0-9]{1,2}", fullmatch=True),
    st.from_regex(r"[A-Z0-9_-]{0,7}[A-Z0-9-]", fullmatch=True),
    st.from_regex(r"[A-Z0-9-]{0,2}", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9]{3}", fullmatch=True),
)
BY_NAME = pytest.mark.parametrize("name", sorted(LAYOUTS))

NCEDC = "continuous_waveforms/BG/2023/2023.022/CLV.BG.DPN..D.2023.022"
SCEDC = "continuous_waveforms/2016/2016_123/CIWCS2_BHE___2016123.ms"
EARTHSCOPE = "miniseed/UW/2019/187/RATT.UW.2019.187"
GEONET = "waveforms/miniseed/2023/2023.022/ABAZ.NZ/2023.022.ABAZ.10-EHZ.NZ.D"
SDS = "2019/NC/KBG/HHZ.D/NC.KBG..HHZ.D.2019.172"
MAY_2 = date(2016, 5, 2)
JULY_6 = date(2019, 7, 6)


@pytest.mark.parametrize(
    ("layout", "key", "entry"),
    [
        (Ncedc(), NCEDC, Entry("BG", "CLV", "", "DPN", date(2023, 1, 22))),
        (
            Ncedc(),
            "continuous_waveforms/BK/2022/2022.231/MERC.BK.HNZ.00.D.2022.231",
            Entry("BK", "MERC", "00", "HNZ", date(2022, 8, 19)),
        ),
        (Scedc(), SCEDC, Entry("CI", "WCS2", "", "BHE", MAY_2)),
        (
            Scedc(),
            "continuous_waveforms/2022/2022_002/BKTHIS_LHZ00_2022002.ms",
            Entry("BK", "THIS", "00", "LHZ", date(2022, 1, 2)),
        ),
        (
            Scedc(),
            "continuous_waveforms/2016/2016_001/AZBZN__BHE___2016001.ms",
            Entry("AZ", "BZN", "", "BHE", date(2016, 1, 1)),
        ),
        (
            Earthscope(),
            "miniseed/TA/2004/365/A04A.TA.2004.365",
            Entry("TA", "A04A", "", "", date(2004, 12, 30)),
        ),
        (Earthscope(), EARTHSCOPE, Entry("UW", "RATT", "", "", JULY_6)),
        (
            Earthscope(),
            "miniseed/CI/2019/187/ADO.CI.2019.187#2",
            Entry("CI", "ADO", "", "", JULY_6, "2"),
        ),
        (Geonet(), GEONET, Entry("NZ", "ABAZ", "10", "EHZ", date(2023, 1, 22))),
        (Sds(), SDS, Entry("NC", "KBG", "", "HHZ", date(2019, 6, 21))),
        (
            Sds(),
            "2020/XX/AAAAA/HHZ.D/XX.AAAAA.10.HHZ.D.2020.366",
            Entry("XX", "AAAAA", "10", "HHZ", date(2020, 12, 31)),
        ),
    ],
)
def test_the_names_of_the_archives_are_read(layout: Layout, key: str, entry: Entry) -> None:
    assert layout.parse(key) == entry
    assert key.startswith(layout.prefix(entry.network, entry.station, entry.day))


@BY_NAME
@given(codes=CODES, day=st.dates())
@example(codes=("NC", "KBG", "", "HHZ"), day=date(2020, 12, 31))
@example(codes=("NC", "KBG", "", "HHZ"), day=date(1, 1, 1))
def test_a_key_lies_under_its_prefix_and_is_read_back(
    name: str, codes: tuple[str, str, str, str], day: date
) -> None:
    net, sta, loc, cha = codes
    if name == "scedc":  # has room for five letters
        sta = sta[-5:]
    if name == "earthscope":  # does not tell them
        loc = cha = ""
    layout, key = LAYOUTS[name], KEYS[name](f"{net}.{sta}.{loc}.{cha}", day)
    assert layout.parse(key) == Entry(net, sta, loc, cha, day)
    prefix = layout.prefix(net, sta, day)
    assert prefix.endswith("/")
    assert key.startswith(prefix)


@BY_NAME
@given(
    st.one_of(
        st.text(max_size=80),
        st.text(alphabet="ABC./0123456789D_#", max_size=80),
        # Near misses: a true key with a stretch replaced.
        st.builds(
            lambda key, at, length, put: key[:at] + put + key[at + length :],
            st.sampled_from([NCEDC, SCEDC, EARTHSCOPE, GEONET, SDS]),
            st.integers(0, 60),
            st.integers(0, 5),
            st.text(max_size=4),
        ),
    )
)
@example(text=NCEDC.replace("2023", "\N{ARABIC-INDIC DIGIT TWO}023"))
@example(text=SDS.replace("2019", "0000"))
def test_any_text_is_a_name_under_its_prefix_or_none(name: str, text: str) -> None:
    layout = LAYOUTS[name]
    entry = layout.parse(text)
    if entry is not None:
        assert text.startswith(layout.prefix(entry.network, entry.station, entry.day))


@pytest.mark.parametrize(
    "key",
    [
        NCEDC.replace("/BG/", "/BK/"),
        NCEDC.replace("CLV.BG.", "CLV.BK."),
        NCEDC.replace("2023.022/", "2023.023/"),
        NCEDC.replace("/2023/", "/2022/"),
        NCEDC.replace(".D.2023", ".D.2022"),
        NCEDC.replace("022", "366"),
        NCEDC.replace("022", "000"),
        NCEDC.removeprefix("continuous_waveforms/"),
        NCEDC + ".bak",
        NCEDC + "\n",
        NCEDC.replace("CLV.", ""),
        "FDSNstationXML/NC/NC.KBG.xml",
        "",
    ],
)
def test_a_name_that_contradicts_its_folder_is_none_of_ncedcs(key: str) -> None:
    assert Ncedc().parse(key) is None


@pytest.mark.parametrize(
    "key",
    [
        SDS.replace("2019/", "2018/"),
        SDS.replace("/NC/", "/BK/"),
        SDS.replace("/KBG/", "/KB/"),
        SDS.replace("HHZ.D/", "HHN.D/"),
        SDS.replace(".D.2019", ".D.2018"),
        SDS.replace(".D.2019", ".L.2019"),
        SDS.replace("172", "366"),
        "archive/" + SDS,
        SDS + "#2",
        "2019/NC/KBG/HHZ.D/",
    ],
)
def test_a_name_that_contradicts_its_folder_is_none_of_sds(key: str) -> None:
    assert Sds().parse(key) is None


@pytest.mark.parametrize(
    "key",
    [
        SCEDC.replace("2016/2016_", "2015/2016_"),
        SCEDC.replace("_123/", "_124/"),
        SCEDC.replace("2016123.", "2016124."),
        SCEDC.replace("123", "367"),
        SCEDC.replace("CIWCS2_", "CIWCS2"),
        SCEDC.replace("CIWCS2_", "CIWCS22_"),
        SCEDC.replace("CIWCS2_", "CI_____"),
        SCEDC.replace("CIWCS2_", "__WCS2_"),
        SCEDC.replace("BHE", "BH_"),
        SCEDC.replace("BHE___", "BHE__"),
        SCEDC.removesuffix(".ms"),
        SCEDC + ".bak",
    ],
)
def test_a_name_of_another_width_or_day_is_none_of_scedcs(key: str) -> None:
    assert Scedc().parse(key) is None


@pytest.mark.parametrize(
    "key",
    [
        EARTHSCOPE.replace("/UW/", "/TA/"),
        EARTHSCOPE.replace("/2019/", "/2018/"),
        EARTHSCOPE.replace("/187/", "/188/"),
        EARTHSCOPE.replace("187", "366"),
        EARTHSCOPE + "#",
        EARTHSCOPE + ".2",
        EARTHSCOPE + "/",
    ],
)
def test_a_name_that_contradicts_its_folder_is_none_of_earthscopes(key: str) -> None:
    assert Earthscope().parse(key) is None


@pytest.mark.parametrize(
    "key",
    [
        GEONET.replace("ABAZ.NZ/", "ABAZ.AU/"),
        GEONET.replace("ABAZ.NZ/", "ABA.NZ/"),
        GEONET.replace("022.ABAZ.10", "023.ABAZ.10"),
        GEONET.replace("-EHZ", "EHZ"),
        GEONET.removesuffix(".D"),
    ],
)
def test_a_name_that_contradicts_its_folder_is_none_of_geonets(key: str) -> None:
    assert Geonet().parse(key) is None


@given(st.permutations(["", "#1", "#2", "#9", "#10"]), st.integers(1, 5))
def test_of_several_versions_the_newest_is_taken(ends: list[str], count: int) -> None:
    named = []
    for key in (EARTHSCOPE, EARTHSCOPE.replace("RATT", "LON")):
        for end in ends[:count]:
            entry = Earthscope().parse(key + end)
            assert entry is not None
            named.append((entry, key + end))
    last = max(int(end[1:] or 0) for end in ends[:count])
    assert newest(named) == [
        key + (f"#{last}" if last else "")
        for key in (EARTHSCOPE, EARTHSCOPE.replace("RATT", "LON"))
    ]


def test_layouts_are_chosen_by_name() -> None:
    assert choose_layout("files") is None
    assert choose_layout("sds") == Sds()
    choices = "earthscope, files, geonet, ncedc, scedc, sds"
    with pytest.raises(NameChoiceError, match=rf"'ncdec': did you mean ncedc or .*{choices}"):
        choose_layout("ncdec")


def test_the_names_of_real_objects_agree_with_their_headers(realdata: Path) -> None:
    objects = sorted((realdata / "scedc" / "objects").glob("*.ms"))
    assert objects
    for path in objects:
        entry = Scedc().parse(f"continuous_waveforms/2022/2022_002/{path.name}")
        assert entry is not None
        assert entry.day == date(2022, 1, 2)
        (held,) = station_spans(path.read_bytes())
        assert (held.network, held.station) == (entry.network, entry.station)
