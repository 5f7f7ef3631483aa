"""Whatever is in a file that a person gives: a value comes out, or an error that names the file."""

from __future__ import annotations

import io
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from epicat.archive.layouts import LAYOUTS, Entry
from epicat.campaign.file import read_campaign
from epicat.campaign.options import CampaignOptions
from epicat.campaign.parse import make_options
from epicat.errors import EpicatError
from epicat.fs.local import LocalFiles
from epicat.imports.picks import read_picks
from epicat.ledger import Stage
from epicat.pipeline.store_tasks.import_picks import import_picks
from epicat.stations import find_stations
from epicat.store.parquet import ParquetStore
from epicat.store.parquet_rows import DataFile
from epicat.velocity.layers import read_layers
from support.hostile import hostile
from support.layout_keys import KEYS

CSV = (
    b"id,network_code,station_code,location_code,channels,latitude,longitude,elevation,start,end\n"
    b'NC.KBG.00,NC,KBG,00,"HHZ,HHN",39.5,-124,12.5,2001-01-01,2005-01-01\n'
    b"NC.KBO.,NC,KBO,,HHZ,40,-124.1,,,\n"
)
XML = (
    b'<?xml version="1.0" encoding="UTF-8"?><FDSNStationXML xmlns="http://www.fdsn.org/xml/'
    b'station/1" schemaVersion="1.1"><Network code="NC"><Station code="KBG" startDate="2001-01-01">'
    b"<Latitude>39</Latitude><Longitude>-124</Longitude><Elevation>1</Elevation><Channel "
    b'code="HHZ" locationCode="00"><Latitude>39</Latitude><Response><Stage/></Response></Channel>'
    b"</Station></Network></FDSNStationXML>"
)
LAYERS = b"depth,vp,vs\n0,5.5,3.2 # a remark\n5.5,6.3,3.6\n16,6.7,3.9\n"
CAMPAIGN = (
    b'start = 2019-06-21\nend = "2019.180"\nextent = [39.0, 41.0, -125.0, -123.0]\n'
    b'archive = "ncedc"\nstations = "stations.csv"\nstore = "store"\nselect = ["NC.*"]\n'
    b"[pick]\nmodel = 'PhaseNet'\np_threshold = 0.3\n[associate.pyocto]\nn_picks = 8\n"
)
PICKS = (
    b"trace_id,channel,phase,time,confidence\nNC.KBG.00,HHZ,P,2019-06-21T12:00:00.123456Z,0.5\n"
    b"NC.KBG.00,HHN,S,2019-06-21T12:00:03Z,0.6\n"
)
_FEW = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@contextmanager
def naming(what: str) -> Iterator[None]:
    """Let errors pass that epicat itself raises, and that name a file."""
    told = what
    with suppress(EpicatError):
        try:
            yield
        except EpicatError as error:
            told = str(error)
            raise
    assert what in told


def tried(read: Callable[[Path], object], path: Path, body: bytes) -> None:
    """Read a file: anything may come of it but an error of another kind, or a nameless one."""
    path.write_bytes(body)
    with warnings.catch_warnings(action="ignore"), naming(str(path)):
        read(path)


@_FEW
@given(hostile(CSV))
def test_any_list_of_stations(tmp_path: Path, body: bytes) -> None:
    tried(lambda path: find_stations(str(path)), tmp_path / "stations.csv", body)


@_FEW
@given(hostile(XML))
@example(b'<?xml version="1.0" encoding="nonsense"?><FDSNStationXML/>')
@example(XML.replace(b"<Stage/>", b"<Channel><Response></Response></Channel>"))
@example(
    XML.replace(
        b"<Elevation>", b"<Response><Channel><Response/></Channel></Response><Elevation>", 1
    )
)
@example(XML.replace(b'startDate="2001-01-01"', b'startDate="0001-01-01" endDate="9999-12-31"'))
def test_any_stationxml(tmp_path: Path, body: bytes) -> None:
    tried(lambda path: find_stations(str(path)), tmp_path / "stations.xml", body)


@_FEW
@given(hostile(LAYERS, LAYERS.replace(b",", b" "), b"0 5 3\n9 6 4"), st.booleans())
def test_any_velocity_model(tmp_path: Path, body: bytes, constant: bool) -> None:
    tried(lambda path: read_layers(path, constant=constant), tmp_path / "layers.txt", body)


@_FEW
@given(hostile(CAMPAIGN))
@example(b"a = " + b"[" * 10_000)
@example(b"a = " + b"{b=" * 10_000)
@example(b"a = " + b"9" * 10_000)
@example(b"[pick]\np_threshold = 1e99999999999999999999")
@example(b"start = 0001-01-01T00:00:00+23:59")
def test_any_campaign_file(tmp_path: Path, body: bytes) -> None:
    def read(path: Path) -> None:
        values = read_campaign(path)
        with suppress(EpicatError):  # what is missing may come from elsewhere: no file is named
            make_options(CampaignOptions, values)

    tried(read, tmp_path / "campaign.toml", body)


@_FEW
@given(hostile(PICKS))
@example(PICKS.replace(b"2019", b"0001"))
@example(PICKS.replace(b"2019", b"9999"))
def test_any_table_of_picks(tmp_path: Path, body: bytes) -> None:
    tried(read_picks, tmp_path / "picks.csv", body)


def parquet(columns: dict[str, object]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


_GOOD = {"trace_id": ["NC.KBG."], "phase": ["P"], "time": ["2019-06-21T12:00:00Z"]}
_TIMES = pa.array([2**62], pa.timestamp("ns"))
ODD_COLUMNS = {
    "years that are none": _GOOD | {"time": [2**63 - 1]},
    "unsigned": _GOOD | {"time": pa.array([2**64 - 1], pa.uint64())},
    "seconds": _GOOD | {"time": pa.array([2**40], pa.timestamp("s"))},
    "dates": _GOOD | {"time": pa.array([17], pa.date32())},
    "truth": _GOOD | {"time": [True]},
    "lists": _GOOD | {"phase": [["P"]], "time": [[1]], "trace_id": [["NC.KBG."]]},
    "structs": _GOOD | {"trace_id": [{"a": 1}]},
    "nothing": _GOOD | {"time": pa.nulls(1), "phase": pa.nulls(1)},
    "numbers": _GOOD | {"trace_id": [1.5], "phase": [2]},
    "bytes": _GOOD | {"trace_id": [b"\xff\xfe"], "phase": [b"P"]},
    "NaN": _GOOD | {"time": [float("nan")], "confidence": [float("nan")]},
    "late": _GOOD | {"time": _TIMES},
}


@pytest.mark.parametrize("columns", ODD_COLUMNS.values(), ids=list(ODD_COLUMNS))
def test_a_parquet_table_of_odd_columns(tmp_path: Path, columns: dict[str, object]) -> None:
    store = ParquetStore(tmp_path / "store", create=True)
    tried(lambda path: import_picks(path, store), tmp_path / "picks.parquet", parquet(columns))


def test_a_parquet_table_with_a_column_twice(tmp_path: Path) -> None:
    sink = io.BytesIO()
    names = ["trace_id", "phase", "time", "time"]
    pq.write_table(pa.Table.from_arrays([pa.array(["x"])] * 4, names=names), sink)
    tried(read_picks, tmp_path / "picks.parquet", sink.getvalue())


@_FEW
@given(hostile(parquet(_GOOD)))
def test_any_parquet(tmp_path: Path, body: bytes) -> None:
    tried(read_picks, tmp_path / "picks.parquet", body)


@_FEW
@given(st.text(max_size=60), st.sampled_from(["0001-01-01", "9999-12-31", "2262-04-12"]))
@example("", "2019-06-21")
def test_picks_of_any_time_are_kept_or_refused(tmp_path: Path, code: str, day: str) -> None:
    body = f"station,phase,time\nNC.KBG{code},P,{day}\n".encode("utf-8", "surrogatepass")
    store = ParquetStore(tmp_path / "store", create=True)
    tried(lambda path: import_picks(path, store), tmp_path / "picks.csv", body)


# XML that grows.


BOMBS = {
    "a billion laughs": "<!DOCTYPE x ["
    + '<!ENTITY a0 "lol">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    + "]><FDSNStationXML>&a9;</FDSNStationXML>",
    "quadratic": '<!DOCTYPE x [<!ENTITY a "' + "x" * 50_000 + '">]><FDSNStationXML>'
    + "&a;" * 50_000 + "</FDSNStationXML>",
    "an outer entity": '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><FDSNStationXML>'
    "&a;</FDSNStationXML>",
    "an outer definition": '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><FDSNStationXML/>',
    "an entity of parameters": '<!DOCTYPE x [<!ENTITY % a SYSTEM "http://127.0.0.1:9/x">%a;]>'
    "<FDSNStationXML/>",
}  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=list(BOMBS))
def test_xml_that_grows_or_fetches_is_refused(tmp_path: Path, bomb: str) -> None:
    path = tmp_path / "bomb.xml"
    path.write_text(bomb)
    tracemalloc.start()
    try:
        with pytest.raises(EpicatError, match=r"bomb\.xml.*DOCTYPE"):
            find_stations(str(path))
        assert tracemalloc.get_traced_memory()[1] < 10**6 + 2 * len(bomb)
    finally:
        tracemalloc.stop()


# Names.


@given(st.text(max_size=100), st.sampled_from(sorted(LAYOUTS)))
@example("²" * 4, "sds")
def test_any_name_is_an_object_or_none(key: str, name: str) -> None:
    assert LAYOUTS[name].parse(key) is None


@given(st.data(), st.sampled_from(sorted(LAYOUTS)))
def test_a_name_that_was_changed_is_read_or_none(data: st.DataObject, name: str) -> None:
    key = KEYS[name]("NC.KBG.00.HHZ", date(2019, 6, 21))
    at = data.draw(st.integers(0, len(key)))
    changed = key[:at] + data.draw(st.text(max_size=3)) + key[at + data.draw(st.integers(0, 3)) :]
    entry = LAYOUTS[name].parse(changed)
    assert entry is None or (isinstance(entry, Entry) and "/" not in entry.station)


@given(st.text(max_size=60) | st.from_regex(r"picks/design=.*/month=.*/.*\.parquet"))
def test_any_name_in_a_store_is_one_of_its_files_or_none(name: str) -> None:
    found = DataFile.parse(name)
    assert found is None or found.name == name


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    folder = tmp_path_factory.mktemp("store")
    picks = folder / "picks.csv"
    picks.write_bytes(PICKS)
    import_picks(picks, ParquetStore(folder / "store", create=True))
    (path,) = (folder / "store" / "ledger").rglob("*.parquet")
    return path, path.read_bytes()


@_FEW
@given(st.data())
def test_any_ledger(ledger: tuple[Path, bytes], data: st.DataObject) -> None:
    path, sound = ledger
    body = data.draw(hostile(sound))
    store = path.parents[2]
    path.write_bytes(body)
    with naming(f"{store}/ledger"):
        ParquetStore(LocalFiles(store)).ledger(Stage.PICK)


@pytest.mark.parametrize("name", ["stage", "status"])
def test_a_ledger_that_says_what_no_ledger_says(ledger: tuple[Path, bytes], name: str) -> None:
    path, sound = ledger
    table = pq.read_table(io.BytesIO(sound))
    at = table.column_names.index(name)
    pq.write_table(table.set_column(at, name, pa.array(["perhaps"] * len(table))), path)
    with pytest.raises(EpicatError, match="damaged"):
        ParquetStore(LocalFiles(path.parents[2])).ledger()
