"""Every known defect of the reference, and the tests that fail on its behaviour.

The reference is QuakeScope: the code of its tutorial, and its head of 2026.  Each defect was seen
when its code ran, or in its code.  What concerns plans and associations is tried here; `COVERED`
names the tests of each defect, wherever they stand.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from epicat.campaign.options import Partition
from epicat.campaign.pick_run import PickRun
from epicat.ledger import Stage, Status
from epicat.model import Pick, Span, StationDay
from epicat.pick.picker import PickOptions
from epicat.pipeline.ledger_view import LedgerView
from epicat.pipeline.plan import pick_units
from epicat.pipeline.runner import make_plan
from epicat.pipeline.worker import Worker
from epicat.store.base import Where
from epicat.store.parquet import ParquetStore
from epicat.time import DAY_NS, SECOND_NS, day_start
from support.exact_picks import associating, one_each, origins, put_picks
from support.tiny_bundle import INFO
from support.tiny_network import (
    MIDNIGHT,
    arrivals,
    bare_campaign,
    keyed_picks,
    settled,
    stations,
    truths,
    write_network,
)

TESTS = Path(__file__).parent
HERE = "test_reference_defects.py"
CONTRACT = "../src/epicat/testing/store_contract.py"

COVERED = {
    # The tutorial's code
    "the last day is never submitted, and a single day not at all": (
        f"{HERE}::test_every_day_of_every_station_is_planned",
        f"{HERE}::test_one_day_of_one_station_is_picked",
    ),
    "the last of 8 k + 1 stations is never submitted, and a single one not at all": (
        f"{HERE}::test_every_day_of_every_station_is_planned",
        f"{HERE}::test_one_day_of_one_station_is_picked",
    ),
    "the database's address, with its password, is a parameter of every job": (
        "aws/test_template.py::test_no_parameter_holds_a_secret",
        "aws/test_end_to_end_mongo.py::test_a_catalog_in_a_database_whose_password_nobody_sees",
        "store/mongo/test_run.py::test_what_travels_has_a_reference_and_no_secret",
    ),
    "the database is opened to every address there is": (
        "aws/test_template.py::test_nothing_comes_in",
    ),
    "an object of zero bytes kills its job, and every job that waits for it": (
        "pipeline/test_worker.py::test_a_bad_object_is_told_with_its_key_and_the_rest_goes_on",
        "aws/test_end_to_end.py::test_whatever_happens_to_the_jobs_the_catalog_is_the_same",
    ),
    "other errors of reading are passed over in silence": (
        "pipeline/stages/test_pick_day.py::test_a_day_of_bad_objects_is_a_read_error_that_names_them",
        "pipeline/stages/test_pick_day.py::test_an_object_that_cannot_be_read_is_a_read_error",
    ),
    "past 160 stations a job waits for more than 20 others and is refused": (
        "pipeline/jobs/test_job_arrays.py::test_arrays_hold_the_plan_and_wait_for_all_that_they_read",
        "aws/test_limits.py::test_submissions_that_aws_refuses",
    ),
    "chunks of association do not overlap: an event at an edge is lost or loses picks": (
        f"{HERE}::test_an_event_that_an_edge_cuts_anywhere_is_whole",
        "pipeline/test_worker.py::test_events_at_the_edges_of_blocks_are_found_once_however_blocks_are_done",
    ),
    "a pick exactly at the start of a chunk is dropped": (
        f"{HERE}::test_an_event_that_an_edge_cuts_anywhere_is_whole",
        f"{CONTRACT}::test_a_span_includes_its_start_and_not_its_end",
    ),
    "each day file is picked alone: no window crosses midnight": (
        "pipeline/stages/test_pick_day.py::test_a_pick_at_midnight_belongs_to_exactly_one_day",
        "faults/test_cuts.py::test_cuts_and_midnights_cost_nothing",
    ),
    "associating again doubles the events": (
        f"{HERE}::test_associating_again_replaces_events_and_adds_none",
    ),
    "no events and no picks are crashes": (
        f"{HERE}::test_no_events_and_no_picks_are_normal_and_told_apart",
        "association/test_associator.py::test_no_picks_and_no_stations_and_one_station_are_normal",
    ),
    "a second model's picks at equal times vanish, and association mixes models": (
        f"{HERE}::test_two_models_in_one_store_keep_their_picks_and_their_events",
        "store/mongo/test_store.py::test_two_runs_do_not_mix",
    ),
    "every location code counts as a station": (
        "association/test_associator.py"
        "::test_four_sites_are_four_sites_however_many_instruments_they_have",
        "association/test_sites.py::test_location_codes_of_one_station_are_one_site",
    ),
    "a first-choice band with one component hides a full one, and no pick tells its band": (
        "waveforms/test_channel_selection.py::test_a_band_with_one_component_does_not_hide_one_with_three",
        "pipeline/stages/test_pick_day.py"
        "::test_co_located_instruments_are_one_station_and_the_pick_keeps_its_channel",
    ),
    "a day without picks leaves no trace: nothing can be resumed": (
        "pipeline/stages/test_pick_day.py::test_nothing_found_is_told_from_nothing_there",
        "pipeline/test_worker.py::test_days_without_data_are_told",
        "pipeline/test_plan.py::test_what_is_done_is_not_planned_again_under_another_cut",
    ),
    "velocity, depth and travel time are the same numbers for any region": (
        "association/test_design.py::test_defaults_are_settled_and_told",
        "association/test_design.py::test_the_halo_is_at_least_the_longest_travel_time_of_an_s_wave",
    ),
    # Its head of 2026
    "what is written after a restart takes the name, and the place, of what was there": (
        f"{HERE}::test_what_is_done_after_a_restart_leaves_what_was_done_before",
        "store/test_parquet.py::test_any_history_reads_as_if_rows_were_kept_by_key",
    ),
    "refusals, missing objects and busy servers are asked again for ever": (
        "archive/test_s3.py::test_a_refusal_is_told_at_once_with_what_to_do",
        "archive/test_s3.py::test_what_is_gone_is_told",
        "archive/test_s3.py::test_what_a_server_says_is_told",
    ),
    "an error of reading becomes no data, and is done": (
        "pipeline/test_plan.py::test_what_could_not_be_done_is_due_again",
        "archive/test_s3.py::test_a_listing_that_breaks_off_is_never_a_short_one",
    ),
    "names without a version match nothing in an archive that has none": (
        "archive/test_layouts.py::test_the_names_of_the_archives_are_read",
    ),
    "a signal does not reach the processes, and what they had begun is never done": (
        "pipeline/test_interrupts.py::test_a_stopped_run_leaves_no_worker_behind_and_can_go_on",
        "pipeline/test_executors.py::test_units_that_raise_are_failed_and_due_again",
    ),
    "one band for each station: days that hold another are lost": (
        "pipeline/stages/test_pick_day.py::test_where_the_band_changes_at_midnight_an_arrival"
        "_is_lost_or_double_only_between_peaks",
    ),
    "association stops at a column of another name": (
        "imports/test_pick_table.py::test_headers_vary",
        "campaign/test_from_store.py::test_imported_picks_become_events_and_nothing_is_done_twice",
    ),
    "a token is written into a log": (
        "store/mongo/test_run.py::test_no_secret_is_told_or_kept",
        "aws/test_secret.py::test_it_is_read_and_does_not_show_itself",
    ),
    "what is no number passes for one": (
        "waveforms/test_traces.py::test_samples_that_are_no_numbers_are_gaps",
        "association/test_design.py::test_what_contradicts_itself_is_refused",
    ),
    "the cost of a task of eight processors is told as that of one": (
        "aws/test_estimate.py::test_a_job_is_its_start_and_its_work",
        "aws/test_progress.py::test_money_and_share",
    ),
}


@pytest.mark.parametrize("defect", COVERED)
def test_every_defect_has_a_test(defect):
    for name in COVERED[defect]:
        path, _, test = name.partition("::")
        assert f"def {test}(" in (TESTS / path).read_text(), name


# Plans.


@pytest.mark.parametrize("days", [1, 2, 3])
@pytest.mark.parametrize("places", [1, 8, 9, 17])
@pytest.mark.parametrize("cut", [Partition(), Partition(stations_per_unit=8, days_per_unit=1)])
def test_every_day_of_every_station_is_planned(days, places, cut):
    (row,) = stations(places=1)
    rows = [replace(row, code=f"S{n:02d}", name=f"XX.S{n:02d}") for n in range(places)]
    first = date(2019, 12, 30)
    span = Span(day_start(first), day_start(first) + days * DAY_NS)
    planned = [
        k for u in pick_units(bare_campaign(span, rows), cut, LedgerView({}, {})) for k in u.keys
    ]
    expected = {
        str(StationDay(row.name, first + timedelta(days=n))) for row in rows for n in range(days)
    }
    assert len(planned) == len(expected)
    assert set(planned) == expected


def test_one_day_of_one_station_is_picked(tmp_path):
    events = truths([-300])
    write_network(tmp_path, events, around_s=600)
    store = ParquetStore(tmp_path / "store", create=True)
    campaign = settled(tmp_path, tmp_path / "store", end="2020-01-02")
    one = campaign.model_copy(update={"stations": campaign.stations[:1]})
    plan = make_plan(one, Partition(), store, recheck=False)
    for unit in (*plan.picking, *plan.associating):
        Worker(one).work(unit)
    assert store.read("picks", Where())["phase"].to_pylist() == ["P", "S"]
    assert [entry.key for entry in store.ledger(Stage.PICK)] == ["XX.ST00/2020.001"]


# Association.


def associate(campaign):
    """Associate all that is due, as one unit."""
    store = ParquetStore(Path(campaign.store))
    plan = make_plan(campaign.model_copy(update={"bundle": None}), Partition(window_days=9), store,
                     recheck=False)  # fmt: skip
    return [Worker(campaign).work(unit) for unit in plan.associating]


@pytest.mark.parametrize("at_edge", [0, 4, 8, 15])
def test_an_event_that_an_edge_cuts_anywhere_is_whole(tmp_path, at_edge):
    """One of its sixteen picks lies exactly at the edge of two blocks."""
    (event,) = truths([0])
    late = sorted(pick.time_ns for pick in arrivals(event, stations()))[at_edge] - MIDNIGHT
    event = replace(event, time_ns=event.time_ns - late)
    campaign, store = associating(tmp_path, [event], block_hours=12.0)
    associate(campaign)
    assert one_each(origins(store), [event])
    picks = store.read("arrivals", Where())["time"].cast("int64").to_pylist()
    assert MIDNIGHT in picks
    assert len(picks) == 16


def test_associating_again_replaces_events_and_adds_none(tmp_path):
    events = truths([-1.0, 600])
    campaign, store = associating(tmp_path, events, block_hours=12.0)
    associate(campaign)
    before = store.read("events", Where())
    noise = Pick(MIDNIGHT + 3600 * SECOND_NS, "XX.ST00.00", "HH", "P", 0.5, 0, 0)
    key = StationDay("XX.ST00", date(2020, 1, 2))
    known = keyed_picks(events, stations())
    put_picks(store, campaign, [], known | {key: [*known[key], noise]})
    (outcome,) = associate(campaign)
    assert sum(outcome.statuses.values()) > 0, "nothing was done again"
    assert store.read("events", Where()).equals(before)
    assert associate(campaign) == []


@pytest.mark.parametrize(
    ("times", "status"), [((), Status.NO_PICKS), ((5.0, 5.2, 9.0), Status.NO_EVENTS)]
)
def test_no_events_and_no_picks_are_normal_and_told_apart(tmp_path, times, status):
    campaign, store = associating(tmp_path, [], block_hours=24.0)
    key = StationDay("XX.ST00", date(2020, 1, 2))
    picks = [
        Pick(MIDNIGHT + round(t * SECOND_NS), "XX.ST00.00", "HH", "P", 0.5, 0, 0) for t in times
    ]
    put_picks(store, campaign, [], {key: picks})
    (outcome,) = associate(campaign)
    assert outcome.statuses[status.value] >= 1
    assert outcome.n_rows == store.read("events", Where()).num_rows == 0
    assert associate(campaign) == []


def test_two_models_in_one_store_keep_their_picks_and_their_events(tmp_path):
    """The second one's picks are those of the first, and those of another event."""
    one, other = truths([60]), truths([60, 600])
    campaign, store = associating(tmp_path, one, block_hours=24.0)
    run = PickRun.from_options(INFO, PickOptions(p_threshold=0.9))
    design = campaign.design.model_copy(update={"run": run.digest})
    second = campaign.model_copy(update={"run": run, "design": design})
    put_picks(store, second, other)
    for each, events in ((campaign, one), (second, other)):
        associate(each)
        picks = store.read("picks", Where(design=each.run.digest))
        found = store.read("events", Where(design=each.design.digest))
        assert picks.num_rows == 16 * len(events)
        assert found.num_rows == len(events)
        assert found["n_p"].to_pylist() == [8] * len(events)


def test_what_is_done_after_a_restart_leaves_what_was_done_before(tmp_path):
    """Units of the same shape, by a worker that knows nothing of the first one's files."""
    write_network(tmp_path, truths([-300, 300]), around_s=600)
    store = ParquetStore(tmp_path / "store", create=True)
    campaign = settled(tmp_path, tmp_path / "store")
    units = make_plan(campaign, Partition(days_per_unit=1), store, recheck=False).picking
    seen: dict[str, int] = {}
    for unit in units[::3]:
        Worker(campaign).work(unit)
        rows = store.read("picks", Where())["key"].to_pylist()
        assert {key: rows.count(key) for key in seen} == seen
        seen = {key: rows.count(key) for key in rows}
    assert len(seen) == len(units[::3])
