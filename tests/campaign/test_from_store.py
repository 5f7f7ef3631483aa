from __future__ import annotations

import re

import pytest

from epicat.campaign.campaign import Campaign
from epicat.campaign.options import AssociationOptions, Partition
from epicat.campaign.pick_run import ImportedRun, PickRun
from epicat.campaign.resolve import resolve_association
from epicat.errors import InputError, StoreError
from epicat.geo import Extent
from epicat.ledger import Stage, StationDayEntry, Status
from epicat.model import Station
from epicat.pipeline.executors import Serial
from epicat.pipeline.runner import make_plan, run
from epicat.pipeline.store_tasks.import_picks import import_picks
from epicat.store.base import Where
from epicat.store.parquet import ParquetStore
from epicat.table_rows import stations_table
from support.tiny_network import (
    EXTENT,
    MIDNIGHT,
    RUN,
    associate_options,
    keyed_picks,
    stations,
    truths,
)

EVENTS = truths((-400, -3, 300))


class Quiet:
    def planned(self, planned): ...

    def finished(self, outcome): ...


def put_picks(folder, events=EVENTS, name="picks.csv"):
    lines = ["trace_id,channel,phase,time,confidence"]
    for picks in keyed_picks(events, stations()).values():
        for p in picks:
            seconds, rest = divmod(p.time_ns - MIDNIGHT, 10**9)
            day, seconds = (2, seconds) if seconds >= 0 else (1, seconds + 86_400)
            clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
            time = f"2020-01-{day:02d}T{clock}.{rest // 1000:06d}"
            lines.append(f"{p.trace_id},{p.band},{p.phase},{time},{p.confidence}")
    (folder / name).write_text("\n".join(lines))
    store = ParquetStore(folder / "store", create=True)
    return store, import_picks(folder / name, store).run.digest


def asked(store, **changed) -> AssociationOptions:
    given = {"start": "2020-01-01", "end": "2020-01-03", "extent": EXTENT, "store": store.location,
             "associate": associate_options()}  # fmt: skip
    return AssociationOptions(**{**given, **changed})


def associate(store, **changed):
    campaign = resolve_association(asked(store, **changed), store)
    plan = make_plan(campaign, Partition(), store, recheck=False)
    made = run(campaign, plan, store, lambda: Serial(campaign), Quiet())
    return campaign, plan, made


@pytest.fixture
def stored(tmp_path):
    store, digest = put_picks(tmp_path)
    store.put_stations(stations_table(stations()))
    return store, digest


def test_imported_picks_become_events_and_nothing_is_done_twice(stored):
    store, digest = stored
    campaign, planned, made = associate(store)
    assert isinstance(campaign.run, ImportedRun)
    assert campaign.run.digest == campaign.design.run == digest
    assert (planned.station_days, planned.done_before, planned.picking) == (0, 0, ())
    assert not made.has_failures
    assert made.blocks == {"done": 2, "no picks": 6}
    events = store.read("events", Where(design=campaign.design.digest))
    times = events["time"].cast("int64").to_pylist()
    assert [abs(t - e.time_ns) < 3e8 for t, e in zip(times, EVENTS, strict=True)] == [True] * 3
    again, planned, _ = associate(store)
    assert again.design.digest == campaign.design.digest
    assert planned.is_empty


def test_several_associators_live_side_by_side(stored):
    store, _ = stored
    one, _, _ = associate(store)
    other, _, made = associate(store, associate=associate_options(p_velocity=5.9))
    assert made.events == len(EVENTS)
    assert one.design.digest != other.design.digest
    for campaign in (one, other):
        rows = store.read("events", Where(design=campaign.design.digest))
        assert rows.num_rows == len(EVENTS)


def test_blocks_are_due_again_when_picks_of_their_run_change(stored):
    store, digest = stored
    campaign, _, _ = associate(store)
    key = store.ledger(Stage.PICK, digest)[0].key
    entry = StationDayEntry(digest, key, Status.NO_PICKS, "g", 2**62, result="changed")
    store.mark([entry])
    plan = make_plan(campaign, Partition(), store, recheck=False)
    assert plan.associating


def test_a_campaign_that_only_associates_goes_to_workers_and_back(stored):
    store, _ = stored
    campaign = resolve_association(asked(store), store)
    again = Campaign.model_validate_json(campaign.model_dump_json())
    assert again == campaign
    assert isinstance(again.run, ImportedRun)
    with pytest.raises(TypeError, match="was imported"):
        _ = again.picking


def test_the_run_of_a_picker_comes_back_from_its_record(stored):
    store, _ = stored
    store.put_record("run", RUN.digest, RUN.model_dump(mode="json"))
    entry = StationDayEntry(RUN.digest, "XX.ST00/2020.002", Status.DONE, "g", 1, n_picks=1)
    store.mark([entry])
    campaign = resolve_association(asked(store, run=RUN.digest[:6]), store)
    assert isinstance(campaign.run, PickRun)
    assert campaign.run == RUN
    assert campaign.run.digest == RUN.digest


def test_one_of_several_runs_must_be_named(tmp_path, stored):
    store, digest = stored
    _, other = put_picks(tmp_path, EVENTS[:1], name="other.csv")
    told = f"choose with --run one of the store's runs: .*{digest} (imported from picks.csv)"
    with pytest.raises(InputError, match=told.replace("(", r"\(").replace(")", r"\)")):
        resolve_association(asked(store), store)
    with pytest.raises(InputError, match=r"--run 'zzz1' matches 0 of the store's runs"):
        resolve_association(asked(store, run="zzz1"), store)
    assert resolve_association(asked(store, run=other), store).run.digest == other


def test_what_is_missing_is_told(tmp_path):
    store = ParquetStore(tmp_path / "empty", create=True)
    with pytest.raises(
        InputError, match="has no picks; import them with `epicat picks import FILE`"
    ):
        resolve_association(asked(store), store)
    store, digest = put_picks(tmp_path)
    with pytest.raises(InputError, match="has no stations; import them with `epicat stations"):
        resolve_association(asked(store), store)
    store.put_stations(stations_table(stations()))
    days = {"start": "2021-01-01", "end": "2021-01-02"}
    told = f"run {digest} has no picks in this time range; it has picks from 2020.001 to 2020.002"
    with pytest.raises(InputError, match=re.escape(told)):
        resolve_association(asked(store, **days), store)
    with pytest.raises(InputError, match="no station of 8 lies inside"):
        resolve_association(asked(store, extent=Extent.parse("1,2,3,4")), store)


def test_picks_that_take_no_part_are_told(stored):
    store, _ = stored
    said: list[str] = []
    campaign = resolve_association(asked(store, exclude=("XX.ST0[01]",)), store, said.append)
    assert len(campaign.stations) == 6
    assert said[0] == ("8 stations, 8 of them inside the extent, 6 kept by --select and --exclude")
    (ignored,) = [line for line in said if line.startswith("ignoring picks of 2 stations")]
    assert ignored.endswith("XX.ST00, XX.ST01")


def test_two_places_under_one_code_have_the_picks_of_both(tmp_path, stored):
    store, _ = stored
    store.put_stations(
        stations_table([Station("XX", "ST00", "99", (), -39.75, 174.7, 0, "XX.ST00.99")])
    )
    campaign = resolve_association(asked(store), store)
    assert "XX.ST00.99" in campaign.names
    assert campaign.pick_names == [f"XX.ST{n:02d}" for n in range(8)]


def test_the_record_of_another_version_is_told(tmp_path, stored):
    store, _ = stored
    store.put_record("run", "zz", {"imported": "x", "new": 1})
    with pytest.raises(StoreError, match="record of run zz was not written by this version"):
        resolve_association(asked(store), store)
