"""Operating epochs, from the stations to the plan."""

from __future__ import annotations

from dataclasses import replace

import pyarrow.parquet as pq

from epicat.campaign.options import Partition
from epicat.model import EVER, Span
from epicat.pipeline.ledger_view import LedgerView
from epicat.pipeline.plan import pick_units
from epicat.pipeline.runner import make_plan
from epicat.store.parquet import ParquetStore
from epicat.table_rows import stations_of, stations_table
from support.tiny_network import bare_campaign, stations

SPAN = Span.parse("2020-01-01", "2020-01-11")
FIRST, SECOND = (
    Span.parse("2000-01-01", "2020-01-03T00:00:01"),
    Span.parse("2020-01-08", "2021-01-01"),
)


def keys(campaign) -> list[str]:
    units = pick_units(
        campaign, Partition(days_per_unit=3, stations_per_unit=2), LedgerView({}, {})
    )
    return sorted(key for unit in units for key in unit.keys)


def with_epochs(*epochs: tuple[Span, ...]):
    rows = stations(places=len(epochs))
    return [replace(row, epochs=own) for row, own in zip(rows, epochs, strict=True)]


def test_days_outside_all_epochs_are_not_planned_nor_counted():
    campaign = bare_campaign(SPAN, with_epochs((FIRST, SECOND), ()))
    days = ("001", "002", "003", "008", "009", "010")
    own = [f"XX.ST00/2020.{day}" for day in days]
    assert keys(campaign) == own + [f"XX.ST01/2020.{day:03d}" for day in range(1, 11)]
    assert make_plan(campaign, Partition(), None, recheck=False).station_days == 16


def test_a_station_that_never_operates_has_no_unit():
    campaign = bare_campaign(SPAN, with_epochs((Span.parse("2021-01-01", "2022-01-01"),), ()))
    units = list(pick_units(campaign, Partition(), LedgerView({}, {})))
    assert [unit.keys[0] for unit in units] == ["XX.ST01/2020.001"]


def test_a_place_operates_when_one_of_its_locations_does():
    one, other = stations(("00", "10"), places=1)
    rows = [replace(one, epochs=(FIRST,)), replace(other, epochs=(SECOND,))]
    assert len(keys(bare_campaign(SPAN, rows))) == 6
    assert len(keys(bare_campaign(SPAN, [replace(one, epochs=(FIRST,)), other]))) == 10


def test_epochs_are_part_of_no_digest():
    plain, dated = (bare_campaign(SPAN, with_epochs(e, ())) for e in ((), (FIRST,)))
    assert plain.run.digest == dated.run.digest
    assert plain.design.digest == dated.design.digest
    assert plain.names == dated.names


def test_epochs_come_back_from_a_store_and_go_to_workers():
    rows = with_epochs(
        (FIRST, SECOND),
        (Span(EVER.start_ns, FIRST.end_ns),),
        (Span(FIRST.start_ns, EVER.end_ns),),
        (),
    )
    table = stations_table(rows)
    assert stations_of(table) == sorted(rows)
    assert table["epochs"].to_pylist()[1:] == [
        "../2020-01-03T00:00:01.000000Z", "2000-01-01T00:00:00.000000Z/..", "",
    ]  # fmt: skip
    campaign = bare_campaign(SPAN, rows)
    again = type(campaign).model_validate_json(campaign.model_dump_json())
    assert again.stations == campaign.stations


def test_a_store_of_an_earlier_version_has_no_epochs(tmp_path):
    store = ParquetStore(tmp_path, create=True)
    table = stations_table(with_epochs((FIRST,), ()))
    (tmp_path / "stations").mkdir()
    pq.write_table(table.drop_columns("epochs"), tmp_path / "stations" / "0-old.parquet")
    assert {row.epochs for row in stations_of(store.stations())} == {()}
    store.put_stations(table.slice(0, 1))
    assert [row.epochs for row in stations_of(store.stations())] == [(FIRST,), ()]
