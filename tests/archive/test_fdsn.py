"""A data center as an archive, against a real HTTP server on the loopback."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from epicat.archive.access import Access
from epicat.archive.archive import open_archive
from epicat.archive.dataselect import PASSWORD_VARIABLE, USER_VARIABLE
from epicat.archive.fdsn import FdsnArchive, FdsnOptions, InstrumentRequest, service_root
from epicat.archive.registry import DATA_CENTERS, layout_for
from epicat.errors import AwayError, InputError, NoDataError, ObjectError
from epicat.fs.retry import PATIENT
from epicat.miniseed import records_by_channel
from epicat.model import Span
from epicat.time import DAY_NS
from epicat.waveforms.records import decode
from support.fdsn_server import DataCenter, Fault, crowded, cut_off, silent, status, too_large_above
from support.waves import MIDNIGHT, counts, mseed

HOUR = 3600
DAY_SPAN = Span(MIDNIGHT, MIDNIGHT + DAY_NS)
RATE = 10.0
"""Low, so that a day is small."""


def whole_day(nslc: str, seconds: int = 24 * HOUR, start_ns: int = MIDNIGHT) -> bytes:
    return mseed(counts(int(seconds * RATE), len(nslc)), start_ns, RATE, nslc, reclen=4096)


WAVEFORMS = {
    name: whole_day(name)
    for name in ("XX.AAA..BHZ", "XX.AAA..BHN", "XX.AAA..BHE", "XX.AAA..HNZ", "XX.AAA..LOG")
} | {"XX.BBB..EHZ": whole_day("XX.BBB..EHZ", 3 * HOUR), "XX.BBB..HNZ": whole_day("XX.BBB..HNZ")}
BROADBAND = InstrumentRequest(("BHE", "BHN", "BHZ"))
STRONG = InstrumentRequest(("HNZ",), 1)
SHORT = InstrumentRequest(("EHZ",), 1)
REQUESTS = {("XX", "AAA"): (BROADBAND, STRONG), ("XX", "BBB"): (SHORT, STRONG)}


@pytest.fixture
def center(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[DataCenter]:
    monkeypatch.setenv("EPICAT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("EPICAT_STALL", "0.5")
    monkeypatch.setenv("EPICAT_PATIENCE", "20")
    for name in (USER_VARIABLE, PASSWORD_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    with DataCenter(WAVEFORMS).serving() as server:
        yield server


def archive_of(center: DataCenter, keep: Path | None = None, *, signed: bool = False,
               retries: int = PATIENT) -> FdsnArchive:  # fmt: skip
    options = FdsnOptions(REQUESTS, keep)
    return FdsnArchive(f"fdsn:{center.url}", options, Access(signed=signed), retries)


def read_all(archive: FdsnArchive, station: str = "AAA", span: Span = DAY_SPAN) -> bytes:
    return b"".join(archive.read(item) for item in archive.objects("XX", station, span))


def channels_in(body: bytes) -> dict[str, bytes]:
    return {".".join(codes): content for codes, content in records_by_channel(body).items()}


def assert_broadband(body: bytes) -> None:
    expected = {name: WAVEFORMS[name] for name in WAVEFORMS if ".BH" in name}
    assert channels_in(body) == expected


def test_a_station_day_and_instrument_is_one_request(center: DataCenter) -> None:
    assert_broadband(read_all(archive_of(center)))
    (query,) = center.queries
    assert query == {
        "net": "XX", "sta": "AAA", "loc": "*", "cha": "BHE,BHN,BHZ", "nodata": "204",
        "start": "2019-06-21T00:00:00.000000", "end": "2019-06-22T00:00:00.000000",
    }  # fmt: skip


def test_another_instrument_is_requested_if_the_first_does_not_cover_the_day(
    center: DataCenter,
) -> None:
    body = read_all(archive_of(center), "BBB")
    assert set(channels_in(body)) == {"XX.BBB..EHZ", "XX.BBB..HNZ"}
    assert [query["cha"] for query in center.queries] == ["EHZ", "HNZ"]


def test_stations_of_unknown_channels_are_requested_with_all_instruments(
    center: DataCenter,
) -> None:
    archive = FdsnArchive(f"fdsn:{center.url}", FdsnOptions(), Access())
    assert set(channels_in(read_all(archive))) == set(WAVEFORMS) - {
        "XX.AAA..LOG", "XX.BBB..EHZ", "XX.BBB..HNZ"
    }  # fmt: skip


@pytest.mark.parametrize("code", [204, 404])
def test_no_data_is_neither_an_error_nor_asked_again(center: DataCenter, code: int) -> None:
    center.always = status(code)
    archive = archive_of(center)
    (item,) = archive.objects("XX", "AAA", DAY_SPAN)
    with pytest.raises(NoDataError):
        archive.read(item)
    assert len(center.queries) == 2  # both instruments
    assert archive.objects("XX", "AAA", DAY_SPAN) == []


@pytest.mark.parametrize(
    "faults",
    [
        [status(503), status(429), status(500)],
        [status(502), cut_off, status(504, b"busy")],
        [silent, cut_off],
    ],
)
def test_transient_faults_are_retried(center: DataCenter, faults: Sequence[Fault]) -> None:
    center.faults = list(faults)
    assert_broadband(read_all(archive_of(center)))
    assert len(center.queries) == len(faults) + 1


def test_retry_after_is_respected(center: DataCenter) -> None:
    center.faults = [status(429, b"slow down", Retry_After="2")]
    assert_broadband(read_all(archive_of(center)))
    first, second = center.times
    assert second - first >= 2


def test_a_service_that_stays_busy_is_given_up_in_a_bounded_time(
    center: DataCenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EPICAT_PATIENCE", "3")
    center.always = status(503, b"maintenance until noon")
    archive = archive_of(center)
    (item,) = archive.objects("XX", "AAA", DAY_SPAN)
    for longest in (8, 6):
        began = time.monotonic()
        with pytest.raises(ObjectError, match="503 Service Unavailable: maintenance") as caught:
            archive.read(item)
        assert caught.value.may_pass
        assert time.monotonic() - began < longest
    center.always = None
    assert_broadband(archive.read(item))


@pytest.mark.parametrize("code", [400, 401, 403])
def test_a_refusal_is_reported_at_once(center: DataCenter, code: int) -> None:
    center.always = status(code, b"Bad network XX\nand more")
    archive = archive_of(center)
    (item,) = archive.objects("XX", "AAA", DAY_SPAN)
    with pytest.raises(ObjectError, match=f"cannot be read: {code} ") as caught:
        archive.read(item)
    assert not caught.value.may_pass
    assert len(center.queries) == 1
    assert ("EPICAT_FDSN_USER" in str(caught.value)) == (code != 400)


def test_a_request_that_is_too_large_is_split(center: DataCenter) -> None:
    center.always = too_large_above(7)
    found = channels_in(read_all(archive_of(center)))
    assert sorted(found) == ["XX.AAA..BHE", "XX.AAA..BHN", "XX.AAA..BHZ"]
    starts = [query["start"][11:16] for query in center.queries]
    assert starts == ["00:00", "00:00", "00:00", "06:00", "12:00", "12:00", "18:00"]


def test_an_hour_that_is_too_large_is_reported(center: DataCenter) -> None:
    center.always = status(413)
    archive = archive_of(center)
    with pytest.raises(ObjectError, match="an hour is too large"):
        read_all(archive)


def test_a_center_that_is_not_there_stops_the_run(
    center: DataCenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    del center
    monkeypatch.setenv("EPICAT_PATIENCE", "1")
    archive = FdsnArchive("fdsn:http://127.0.0.1:9", FdsnOptions(), Access())
    with pytest.raises(AwayError, match="cannot be reached: no connection"):
        archive.check()
    with pytest.raises(AwayError, match="cannot be reached: no connection"):
        read_all(archive)


def test_what_is_kept_is_sds_and_needs_no_network(center: DataCenter, tmp_path: Path) -> None:
    keep = tmp_path / "kept"
    span = Span(MIDNIGHT, MIDNIGHT + 2 * DAY_NS)
    archive = archive_of(center, keep)
    first, second = archive.objects("XX", "AAA", span)
    body = archive.read(first)
    with pytest.raises(NoDataError):
        archive.read(second)
    requests = len(center.queries)
    again = archive_of(center, keep)
    center.always = status(500)
    again.check()
    assert channels_in(again.read(first)) == channels_in(body)
    with pytest.raises(NoDataError):
        again.read(second)
    assert len(center.queries) == requests
    local = open_archive(str(keep), "sds")
    found = [local.read(item) for item in local.objects("XX", "AAA", DAY_SPAN)]
    assert_broadband(b"".join(found))
    assert not [p for p in keep.rglob("*") if p.name.endswith(".partial")]


def test_files_of_the_user_are_never_replaced(center: DataCenter, tmp_path: Path) -> None:
    path = tmp_path / "2019/XX/AAA/BHZ.D/XX.AAA..BHZ.D.2019.172"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"mine")
    archive = archive_of(center, tmp_path)
    assert_broadband(read_all(archive))
    assert path.read_bytes() == b"mine"
    assert_broadband(read_all(archive_of(center, tmp_path)))
    assert len(center.queries) == 2


def test_digest_authentication_with_credentials_of_the_environment(
    center: DataCenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    center.users = {"ana": "p@ss word"}
    with pytest.raises(InputError, match="set EPICAT_FDSN_USER and EPICAT_FDSN_PASSWORD"):
        archive_of(center, signed=True)
    monkeypatch.setenv(USER_VARIABLE, "ana")
    with pytest.raises(InputError, match="EPICAT_FDSN_PASSWORD is not set"):
        archive_of(center, signed=True)
    monkeypatch.setenv(PASSWORD_VARIABLE, "p@ss word")
    assert_broadband(read_all(archive_of(center, signed=True)))
    assert set(center.paths) == {"/fdsnws/dataselect/1/queryauth"}
    monkeypatch.setenv(PASSWORD_VARIABLE, "wrong")
    with pytest.raises(ObjectError, match="401") as caught:
        read_all(archive_of(center, signed=True))
    assert "wrong" not in str(caught.value)


def test_few_requests_run_at_a_time(center: DataCenter) -> None:
    center.always = crowded
    span = Span(MIDNIGHT - 6 * DAY_NS, MIDNIGHT + 6 * DAY_NS)
    archives = [archive_of(center) for _ in range(4)]
    items = [archive.objects("XX", "AAA", span) for archive in archives]
    for archive, some in zip(archives, items, strict=True):
        archive.prefetch(some)
    time.sleep(0.3)
    for archive, some in zip(archives, items, strict=True):
        for item in some:
            try:
                archive.read(item)
            except NoDataError:
                continue
    assert 1 < center.most <= 4


def test_names_and_addresses_of_data_centers() -> None:
    assert service_root("fdsn:NCEDC") == service_root("fdsn:ncedc") == DATA_CENTERS["ncedc"]
    for text in (
        "fdsn:https://a.org/x/",
        "https://a.org/x",
        "https://a.org/x/fdsnws/dataselect/1/",
    ):
        assert service_root(text) == "https://a.org/x"
        assert layout_for(text, None) == "fdsn"
    with pytest.raises(InputError, match="did you mean ncedc"):
        service_root("fdsn:ncdc")
    with pytest.raises(InputError, match="without user, password") as caught:
        service_root("https://ana:HIDDEN@a.org/")
    assert "HIDDEN" not in str(caught.value)
    with pytest.raises(InputError, match="a web service has none"):
        layout_for("fdsn:NCEDC", "sds")


def test_a_page_in_place_of_waveforms_is_not_kept_for_data(center: DataCenter) -> None:
    center.always = status(200, b"<html>maintenance</html>")
    result = decode(read_all(archive_of(center)), "XX", "AAA", DAY_SPAN)
    assert "it is an HTML page" in result.reasons[0]
