from __future__ import annotations

from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from epicat.archive.layouts import LAYOUTS, Entry, Layout, Ncedc, Sds, choose_layout
from epicat.errors import NameChoiceError
from waves import ncedc_key, sds_key

BUILDERS = {"ncedc": ncedc_key, "sds": sds_key}
CODES = st.tuples(
    st.from_regex(r"[A-Z0-9]{1,2}", fullmatch=True),
    st.from_regex(r"[A-Z0-9_-]{1,8}", fullmatch=True),
    st.from_regex(r"[A-Z0-9-]{0,2}", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9]{3}", fullmatch=True),
)
BY_NAME = pytest.mark.parametrize("name", sorted(LAYOUTS))

NCEDC = "continuous_waveforms/BG/2023/2023.022/CLV.BG.DPN..D.2023.022"
SDS = "2019/NC/KBG/HHZ.D/NC.KBG..HHZ.D.2019.172"


@pytest.mark.parametrize(
    ("layout", "key", "entry"),
    [
        (Ncedc(), NCEDC, Entry("BG", "CLV", "", "DPN", date(2023, 1, 22))),
        (
            Ncedc(),
            "continuous_waveforms/BK/2022/2022.231/MERC.BK.HNZ.00.D.2022.231",
            Entry("BK", "MERC", "00", "HNZ", date(2022, 8, 19)),
        ),
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
    layout, key = LAYOUTS[name], BUILDERS[name](".".join(codes), day)
    net, sta, loc, cha = codes
    assert layout.parse(key) == Entry(net, sta, loc, cha, day)
    prefix = layout.prefix(net, sta, day)
    assert prefix.endswith("/")
    assert key.startswith(prefix)


@BY_NAME
@given(
    st.one_of(
        st.text(max_size=80),
        st.text(alphabet="ABC./0123456789D_", max_size=80),
        # Near misses: a true key with a stretch replaced.
        st.builds(
            lambda key, at, length, put: key[:at] + put + key[at + length :],
            st.sampled_from([NCEDC, SDS]),
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


def test_layouts_are_chosen_by_name() -> None:
    assert choose_layout("files") is None
    assert choose_layout("sds") == Sds()
    with pytest.raises(NameChoiceError, match=r"'ncdec': did you mean ncedc\?.*files, ncedc, sds"):
        choose_layout("ncdec")
