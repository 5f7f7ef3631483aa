"""Amplitudes of station-days: at picking, again later, with other responses, or not at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from epicat.amplitude.design import AmplitudeDesign
from epicat.amplitude.rows import AmplitudeFlag, read_amplitudes, read_envelopes
from epicat.archive.access import Access
from epicat.campaign.options import Partition
from epicat.ledger import Status
from epicat.model import EVER, Span, StationDay
from epicat.pipeline.executors import Serial
from epicat.pipeline.runner import make_plan, run
from epicat.pipeline.stages.measure_day import measured_codes, response_rows
from epicat.pipeline.store_tasks.measure_store import StoreMeasurer
from epicat.stations.responses import ChannelResponse, FlatResponse, Responses
from epicat.store.base import Where, measure_entries, station_day_entries
from epicat.store.parquet import ParquetStore
from support.seismometers import response_of
from support.tiny_network import MIDNIGHT, settled, truths, write_network
from support.undisturbed import Silent

EVENTS = truths([-300, 250])
FLAT = Responses(flat=(FlatResponse.parse("XX.*.*.HH?=1e6"),))


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    folder = tmp_path_factory.mktemp("network")
    write_network(folder, EVENTS)
    settled(folder, folder / "store")  # so that the picker is compiled
    return folder


def campaign_of(network: Path, store: Path, responses: Responses):
    campaign = settled(network, store)
    amplitudes = AmplitudeDesign(run=campaign.run.digest) if responses else None
    return campaign.model_copy(update={"amplitudes": amplitudes, "responses": responses})


def done(campaign, *, recheck=False):
    """Run a campaign; return its store and the units of picking."""
    store = ParquetStore(Path(campaign.store), create=True)
    plan = make_plan(campaign, Partition(), store, recheck=recheck)
    assert not run(campaign, plan, store, lambda: Serial(campaign), Silent()).has_failures
    return store, plan.picking


def contents(store):
    return {
        table: store.read(table, Where()).to_pylist()
        for table in ("picks", "amplitudes", "envelopes")
    }


def test_amplitudes_leave_picks_and_their_run_as_they_are(network, tmp_path):
    plain, _ = done(campaign_of(network, tmp_path / "plain", Responses()))
    measured, _ = done(campaign_of(network, tmp_path / "measured", FLAT))
    assert contents(plain)["picks"] == contents(measured)["picks"]
    assert contents(plain)["amplitudes"] == []
    picked = {e.key: e for e in station_day_entries(measured)}
    for entry in measure_entries(measured):
        assert entry.status == Status.DONE
        assert entry.inputs == picked[entry.key].result
        assert entry.n_amplitudes == picked[entry.key].n_picks
    rows = dict(read_amplitudes(measured.read("amplitudes", Where())))
    assert rows.keys() == {key for key, entry in picked.items() if entry.n_picks}
    assert all(np.all(found.amplitude_mm > 0) for found in rows.values())
    assert len(dict(read_envelopes(measured.read("envelopes", Where())))) == len(rows)


def test_measuring_later_gives_the_same_and_reads_once(network, tmp_path):
    """A run with responses, `StoreMeasurer`, and a run over picks without responses are equal."""
    at_once, _ = done(campaign_of(network, tmp_path / "once", FLAT))
    run_later = campaign_of(network, tmp_path / "later", Responses())
    done(run_later)
    with_responses = campaign_of(network, tmp_path / "later", FLAT)
    later, units = done(with_responses)
    assert all(unit.measure_only for unit in units)
    assert contents(later) == contents(at_once)
    assert done(with_responses)[1] == ()

    store, _ = done(campaign_of(network, tmp_path / "store", Responses()))
    measurer = StoreMeasurer(store, run_later.run.digest, FLAT)
    first, second = measurer.measure(), measurer.measure()
    assert contents(store) == contents(at_once)
    assert (second.measured, second.unchanged) == (0, first.measured)


def test_measuring_later_accesses_the_bucket_as_on_record(
    network, tmp_path, s3_server, monkeypatch
):
    """The endpoint of the run is used, not that of the environment."""
    local = campaign_of(network, tmp_path / "store", Responses())
    folder = Path(local.archive)
    objects = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    where = {
        "archive": s3_server.make("measured-later", objects),
        "access": Access(endpoint=s3_server.endpoint),
    }
    store, _ = done(local.model_copy(update=where))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    made = StoreMeasurer(store, local.run.digest, FLAT).measure()
    assert (made.failed, made.unchanged) == (0, 0)
    assert made.measured > 0


def test_other_responses_measure_again_and_only_where_they_hold(network, tmp_path):
    store, _ = done(campaign_of(network, tmp_path / "store", FLAT))
    before = {entry.key: entry for entry in measure_entries(store)}
    other = FlatResponse.parse("XX.ST03.*.HH?=2e6")
    _, units = done(
        campaign_of(network, tmp_path / "store", replace(FLAT, flat=(other, *FLAT.flat)))
    )
    keys = {key for unit in units for key in unit.keys}
    assert keys == {key for key in before if key.startswith("XX.ST03/")}
    rows = dict(read_amplitudes(store.read("amplitudes", Where())))
    for key in keys:
        assert {e.key: e for e in measure_entries(store)}[key].result != before[key].result
        assert rows[key].trace_id == "XX.ST03.00"


def test_channels_without_a_response_are_named_in_the_ledger(network, tmp_path):
    """Each channel is told by itself; a station without any makes no amplitude."""
    hh = response_of("HH")
    rows = [ChannelResponse(f"XX.ST00.00.HH{code}", EVER, hh) for code in "ZN"]
    rows.append(ChannelResponse("XX.ST00.00.HHE", EVER, None, "input unit 'V' is not M"))
    rows.append(ChannelResponse("XX.ST01.00.HHZ", Span(EVER.start_ns, MIDNIGHT - 10**15), hh))
    store, _ = done(campaign_of(network, tmp_path / "store", Responses.from_channels(rows)))
    entries = {entry.key: entry for entry in measure_entries(store)}
    one, none = entries["XX.ST00/2020.002"], entries["XX.ST01/2020.002"]
    assert one.reason == "HHE: input unit 'V' is not M"
    assert (one.status, none.status) == (Status.DONE, Status.NO_RESPONSE)
    assert none.reason.count("no response in the metadata for this time") == 3
    assert none.flags[0].count == 3
    found = dict(read_amplitudes(store.read("amplitudes", Where())))
    assert "XX.ST01/2020.002" not in found
    assert found["XX.ST00/2020.002"].codes == "ZN-"
    assert np.all(found["XX.ST00/2020.002"].flag[:, :, 2] == AmplitudeFlag.NO_RESPONSE)


def test_a_failed_measurement_is_recorded_and_repeated(network, tmp_path, monkeypatch):
    """Waveforms that changed since are not measured at old picks; the next run tries again."""
    store, _ = done(campaign_of(network, tmp_path / "store", Responses()))
    key = str(StationDay.parse("XX.ST00/2020.001"))
    (entry,) = [e for e in station_day_entries(store) if e.key == key]
    changed = tuple(replace(item, etag="other") for item in entry.objects)
    store.mark([replace(entry, objects=changed, marked_ns=entry.marked_ns + 1)])
    measurer = StoreMeasurer(store, entry.design, FLAT)
    assert measurer.measure().failed == 1
    failed = {e.key: e for e in measure_entries(store)}[key]
    assert failed.status == Status.FAILED
    assert "has changed since it was picked" in failed.reason
    store.mark([replace(entry, marked_ns=entry.marked_ns + 2)])
    again = measurer.measure()
    assert (again.failed, again.measured) == (0, 1)


@pytest.mark.parametrize(
    ("weights", "wanted"),
    [
        ({"Z": [("Z", 1)], "N": [("N", 1)], "E": [("E", 1)]},
         {"Z": ("Z", False), "N": ("N", False), "E": ("E", False)}),
        ({"Z": [("Z", -1)]}, {"Z": ("Z", True)}),
        ({"Z": [("Z", 1)], "N": [("1", 0.6), ("2", -0.8)], "E": [("1", 0.8), ("2", 0.6)]},
         {"Z": ("Z", False), "N": ("2", True), "E": ("1", False)}),
        ({"N": [("1", 1)]}, {"N": ("1", False)}),
        ({"Z": [("U", 0.6), ("V", 0.6), ("W", 0.6)], "N": [("V", 0.7), ("W", -0.7)],
          "E": [("U", 0.8), ("V", -0.4), ("W", -0.4)]}, None),
    ],
)  # fmt: skip
def test_channels_are_measured_as_recorded(weights, wanted):
    """Horizontals keep their azimuth; only sensors with inclined axes are rotated."""
    assert measured_codes(weights) == wanted


def test_responses_that_a_store_keeps():
    epoch = Span(MIDNIGHT, EVER.end_ns)
    known = ChannelResponse("XX.A..HHZ", epoch, response_of("HH"))
    unusable = ChannelResponse("XX.B..HHZ", EVER, problem="no response in the metadata")
    rows = response_rows(Responses.from_channels([known, unusable], FLAT.flat))
    assert [(r.channel, r.is_flat, r.problem) for r in rows] == [
        ("XX.A..HHZ", False, ""), ("XX.B..HHZ", False, unusable.problem), ("XX.*.*.HH?", True, ""),
    ]  # fmt: skip
    assert (rows[0].gain, rows[0].end) == (known.response.gain, "")
    assert rows[0].start.startswith("20")
    assert rows[2].gain == 1e6
