"""Archives: in every layout, whatever the order, readable by others, with the faults asked for."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epicat.archive.archive import open_archive
from epicat.archive.layouts import LAYOUTS, Entry
from epicat.errors import InputError, NameChoiceError
from epicat.model import Span
from epicat.stations import find_stations
from epicat.synthetic import Faults, ScenarioOptions, Seismicity, make_scenario, write_archive
from epicat.synthetic.faults import clock_offset_ns, gaps
from epicat.synthetic.ground_motion import velocity_spectrum
from epicat.synthetic.instruments import band_of
from epicat.synthetic.miniseed_objects import KEYS, Packer, key_of
from epicat.synthetic.network import Sensor, station_xml
from epicat.synthetic.recording import Recorder
from epicat.synthetic.sampling import Frame
from epicat.synthetic.scenario import Scenario
from epicat.time import DAY_NS, SECOND_NS, parse_time
from epicat.velocity.layers import read_layers
from epicat.waveforms.records import decode

MIDNIGHT = parse_time("2024-03-02")
BEFORE = Span(MIDNIGHT - 1200 * SECOND_NS, MIDNIGHT)
AFTER = Span(MIDNIGHT, MIDNIGHT + 1200 * SECOND_NS)
BOTH = Span(BEFORE.start_ns, AFTER.end_ns)
BUSY = Seismicity(count=8, min_magnitude=1.8, radius_km=15)


def scenario(faults: str = "none", stations: int = 2, span: Span = BOTH, seed: int = 3) -> Scenario:
    return make_scenario(
        ScenarioOptions(
            span,
            seed,
            stations=stations,
            radius_km=15,
            seismicity=BUSY,
            faults=Faults.parse(faults),
        )
    )


def samples(
    folder: Path, code: str = "S01", span: Span = BOTH, band: str = "HH"
) -> dict[str, np.ndarray]:
    """Counts by component, read by epicat itself; without gaps."""
    found: dict[str, list[np.ndarray]] = {}
    archive = open_archive(str(folder / "waveforms"), "sds")
    for item in sorted(archive.objects("XX", code, span), key=lambda i: i.key):
        decoded = decode(archive.read(item), "XX", code, span)
        for channel, records in decoded.channels.items():
            if channel.band == band:
                found.setdefault(channel.component, []).extend(r.samples for r in records)
    return {component: np.concatenate(parts) for component, parts in found.items()}


codes = st.text("ABCXYZ019", min_size=1, max_size=5)


@given(
    st.sampled_from([*LAYOUTS]),
    st.text("ABC1", min_size=2, max_size=2),
    codes,
    st.sampled_from(["", "00", "10"]),
    st.sampled_from(["HHZ", "BHN", "EH1"]),
    st.dates(date(1980, 1, 1), date(2050, 12, 31)),
)
def test_names_say_what_they_were_made_of(
    layout: str, net: str, sta: str, loc: str, cha: str, day: date
) -> None:
    key = key_of(layout, (net, sta, loc, cha), day)
    assert key.startswith(LAYOUTS[layout].prefix(net, sta, day))
    whole = Entry(net, sta, loc, cha, day)
    expected = replace(whole, location="", channel="") if layout == "earthscope" else whole
    assert LAYOUTS[layout].parse(key) == expected


def test_unknown_layouts_are_named() -> None:
    with pytest.raises(NameChoiceError, match="did you mean sds"):
        key_of("sda", ("XX", "A", "", "HHZ"), date(2024, 3, 1))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synthetic")
    write_archive(folder, scenario())
    return folder


def test_the_bytes_do_not_depend_on_workers_or_order(written: Path, tmp_path: Path) -> None:
    write_archive(tmp_path, scenario(), workers=2)
    mine = {p.relative_to(tmp_path): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    theirs = {p.relative_to(written): p.read_bytes() for p in written.rglob("*") if p.is_file()}
    assert mine.keys() == theirs.keys()
    assert all(mine[key] == theirs[key] for key in mine)


def test_a_day_written_alone_has_the_same_samples(written: Path, tmp_path: Path) -> None:
    alone = replace(scenario(), span=AFTER)
    write_archive(tmp_path, alone)
    expected, found = samples(written, span=AFTER), samples(tmp_path, span=AFTER)
    for component in "ZNE":
        np.testing.assert_array_equal(found[component], expected[component][-120_000:])


def test_waves_and_noise_go_on_over_midnight(tmp_path: Path) -> None:
    """An earthquake five seconds before midnight: both days together are one recording."""
    whole = scenario(stations=1)
    quake = replace(whole.quakes[0], time_ns=MIDNIGHT - 5 * SECOND_NS)
    across = replace(whole, quakes=(quake,))
    write_archive(tmp_path, across)
    data = samples(tmp_path)
    place = across.places[0]
    direct = np.concatenate(
        [counts for _, counts in Recorder(across, place, place.sensors[0]).hops(BOTH)], axis=1
    )
    for row, component in enumerate("ZNE"):
        np.testing.assert_array_equal(data[component], direct[row])
    at = len(direct[0]) // 2
    steps = np.abs(np.diff(direct, axis=1))
    assert (steps[:, at - 1] <= steps[:, at - 200 : at + 200].max(axis=1)).all()
    assert np.abs(direct[:, at : at + 2000]).max() > 3 * np.abs(direct[:, : at // 2]).std()


def test_earthquakes_of_a_day_do_not_depend_on_the_span() -> None:
    daily = Seismicity(per_day=30.0)
    day = Span(MIDNIGHT, MIDNIGHT + DAY_NS)
    week = Span(MIDNIGHT - 3 * DAY_NS, MIDNIGHT + 4 * DAY_NS)
    short, long = (
        make_scenario(ScenarioOptions(span, 1, stations=1, seismicity=daily))
        for span in (day, week)
    )
    inside = [q for q in long.quakes if day.start_ns <= q.time_ns < day.end_ns]
    assert list(short.quakes) == inside
    assert len(long.quakes) > 3 * len(short.quakes)


@pytest.mark.parametrize("layout", KEYS)
def test_every_layout_is_read_back(layout: str, tmp_path: Path) -> None:
    span = Span(MIDNIGHT, MIDNIGHT + 60 * SECOND_NS)
    made = write_archive(tmp_path, scenario(span=span, stations=1), layout, record_length=4096)
    archive = open_archive(str(tmp_path / "waveforms"), layout)
    objects = list(archive.objects("XX", "S01", span))
    assert len(objects) == made.objects == (1 if layout in ("earthscope", "files") else 3)
    found = set()
    for item in objects:
        decoded = decode(archive.read(item), "XX", "S01", span)
        assert not decoded.reasons
        found |= {(c.location, c.band, c.component) for c in decoded.channels}
    assert found == {("00", "HH", c) for c in "ZNE"}


def test_what_stands_beside_is_read_by_epicat(written: Path) -> None:
    from_csv = find_stations(str(written / "stations.csv"), None)
    from_xml = find_stations(str(written / "stations.xml"), None)
    assert [s.id for s in from_csv] == [s.id for s in from_xml] == ["XX.S01.00", "XX.S02.00"]
    assert read_layers(written / "velocity.txt", constant=True) == scenario().crust.layers


def test_obspy_reads_it_and_takes_the_response_out(written: Path) -> None:
    obspy = pytest.importorskip("obspy")
    inventory = obspy.read_inventory(str(written / "stations.xml"))
    key = "waveforms/2024/XX/S01/HHZ.D/XX.S01.00.HHZ.D.2024.062"
    stream = obspy.read(str(written / key))
    assert len(stream) == 1
    np.testing.assert_array_equal(stream[0].data, samples(written, span=AFTER)["Z"][-120_000:])
    seed_id = stream[0].id
    response = inventory.get_response(seed_id, stream[0].stats.starttime)
    instrument, _ = band_of("HH")
    for frequency in (0.01, 0.1, 1.0, 10.0, 30.0):
        theirs = response.get_evalresp_response_for_frequencies([frequency], output="VEL")[0]
        ours = instrument.response(np.array([frequency]), 1e6)[0]
        assert abs(theirs - ours) < 1e-3 * abs(ours)
    assert response.instrument_sensitivity.value == pytest.approx(instrument.sensitivity)


@pytest.mark.parametrize("band", ["HH", "EH", "HN"])
def test_removing_the_response_gives_the_ground_motion_that_was_put_in(band: str) -> None:
    obspy = pytest.importorskip("obspy")
    whole = scenario(stations=1)
    place = replace(whole.places[0], sensors=(Sensor("00", band),))
    shaking = whole.shaking(whole.quakes[0], place)
    instrument, rate = band_of(band)
    frame = Frame(float(np.floor(shaking.path.p.time_s)) - 20.0, 80, rate)
    velocity = velocity_spectrum(whole.crust, shaking, frame)
    counts = frame.samples_of(velocity * instrument.response(frame.frequency, rate))[2]
    packer = Packer(("XX", place.code, "00", f"{band}E"), rate, 512)
    body = packer.add(MIDNIGHT, np.rint(counts * 100).astype(np.int32)) + packer.flush()
    trace = obspy.read(io.BytesIO(body))[0]
    inventory = obspy.read_inventory(io.BytesIO(station_xml([place], BOTH).encode()))
    trace.remove_response(inventory, output="VEL", pre_filt=(0.2, 0.4, 30, 38), taper=False)
    found, true = (_in_band(x, rate) for x in (trace.data / 100, frame.samples_of(velocity)[2]))
    assert np.abs(found - true).max() < 0.01 * np.abs(true).max()


def _in_band(values: np.ndarray, rate: int) -> np.ndarray:
    spectrum = np.fft.rfft(values)
    f = np.fft.rfftfreq(len(values), 1 / rate)
    spectrum[(f < 1) | (f > 25)] = 0
    return np.fft.irfft(spectrum, len(values))


def test_truth_tells_what_was_recorded(written: Path) -> None:
    arrivals = pq.read_table(written / "truth" / "arrivals.parquet").to_pylist()
    events = pq.read_table(written / "truth" / "events.parquet").to_pylist()
    assert len(events) == 8
    assert {a["event_id"] for a in arrivals} <= {e["event_id"] for e in events}
    assert all(a["recorded"] == (a["time"].value < BOTH.end_ns) for a in arrivals)
    for event in events:
        clear = [a for a in arrivals if a["event_id"] == event["event_id"] and a["phase"] == "P"
                 and a["snr"] > 3 and a["recorded"]]  # fmt: skip
        assert event["n_detectable"] == len(clear)


def test_quakeml_of_the_truth_is_read_by_obspy(written: Path) -> None:
    obspy = pytest.importorskip("obspy")
    catalog = obspy.read_events(str(written / "truth" / "events.xml"))
    events = pq.read_table(written / "truth" / "events.parquet").to_pylist()
    assert [round(e["magnitude"], 2) for e in events] == [e.magnitudes[0].mag for e in catalog]
    assert all(e.magnitudes[0].magnitude_type == "Mw" for e in catalog)
    assert sum(len(e.picks) for e in catalog) == len(
        pq.read_table(written / "truth" / "arrivals.parquet")
    )


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faulty")
    write_archive(folder, scenario("all", stations=4))
    return folder


def test_all_faults_at_once_leave_an_archive_that_is_read(faulty: Path) -> None:
    archive = open_archive(str(faulty / "waveforms"), "sds")
    reasons, bands, broken = [], set(), 0
    for code in ("S01", "S02", "S03", "S04"):
        for item in archive.objects("XX", code, BOTH):
            decoded = decode(archive.read(item), "XX", code, BOTH)
            reasons += decoded.reasons
            bands |= {channel.band for channel in decoded.channels}
            broken += any(len(records) > 1 for records in decoded.channels.values())
    assert "empty, 0 bytes" in reasons
    assert any("not miniSEED records" in reason for reason in reasons)
    assert bands == {"HH", "BH", "EH", "HN"}


def test_gaps_are_neither_shifted_nor_filled(tmp_path: Path) -> None:
    span = Span(MIDNIGHT, MIDNIGHT + 3600 * SECOND_NS)
    day = next(span.days())
    seed = next(
        n
        for n in range(500)
        if sum(g.span.end_ns < span.end_ns for g in gaps(n, "XX.S01", day)) > 1
    )
    quiet = replace(scenario("gaps", stations=1, span=span, seed=seed), quakes=())
    write_archive(tmp_path, quiet)
    place = quiet.places[0]
    continuous = np.concatenate(
        [c for _, c in Recorder(quiet, place, place.sensors[0]).hops(span)], axis=1
    )
    archive = open_archive(str(tmp_path / "waveforms"), "sds")
    total = 0
    for item in archive.objects("XX", "S01", span):
        decoded = decode(archive.read(item), "XX", "S01", span)
        for channel, records in decoded.channels.items():
            for piece in records:
                first = 0
                for start, count in zip(piece.starts_ns, piece.counts, strict=True):
                    at = round((start - span.start_ns) * 100 / SECOND_NS)
                    row = continuous["ZNE".index(channel.component)]
                    np.testing.assert_array_equal(
                        piece.samples[first : first + count], row[at : at + count]
                    )
                    first += count
                    total += count
    assert 0 < total < continuous.size


def test_clocks_jitter_by_less_than_half_a_sample() -> None:
    offsets = [clock_offset_ns(1, "XX.S01", MIDNIGHT + k * 600 * SECOND_NS, 100)
               for k in range(200)]  # fmt: skip
    assert max(map(abs, offsets)) < 0.45e7
    assert len(set(offsets)) > 100


def test_a_late_sample_shows_the_ground_of_a_later_moment(tmp_path: Path) -> None:
    """Jittery stations tell the time rightly: their waves are the same function of time."""
    whole = scenario(stations=1)
    place = whole.places[0]
    quiet = replace(whole, quakes=(replace(whole.quakes[0], time_ns=BEFORE.start_ns),))
    jittery = replace(quiet, faults=Faults.parse("jitter"))
    true, late = (
        next(iter(Recorder(s, place, place.sensors[0]).hops(BEFORE))) for s in (quiet, jittery)
    )
    offset = (late[0] - true[0]) / SECOND_NS
    assert 0.0001 < abs(offset) < 0.0045
    path = quiet.shaking(quiet.quakes[0], place).path
    part = slice(int(path.p.time_s * 100) - 50, int(path.s.time_s * 100) + 300)
    one, other = (
        np.fft.rfft(c[2, part] * np.hanning(part.stop - part.start)) for c in (true[1], late[1])
    )
    f = np.fft.rfftfreq(part.stop - part.start, 0.01)
    strong = (f > 2) & (f < 15)
    phase = np.angle(other[strong] / one[strong])
    weight = np.abs(one[strong])
    slope = np.sum(phase * f[strong] * weight) / np.sum(f[strong] ** 2 * weight) / (2 * np.pi)
    assert slope == pytest.approx(offset, abs=0.0007)


def test_files_are_whole_or_not_there(tmp_path: Path) -> None:
    class StopError(Exception):
        pass

    def stop(_: object) -> None:
        raise StopError

    with pytest.raises(StopError):
        write_archive(tmp_path, scenario(stations=2), progress=stop)
    names = [p.name for p in tmp_path.rglob("*") if p.is_file()]
    assert not [name for name in names if name.endswith(".partial")]
    assert "synthetic.json" not in names
    assert sum("HH" in name for name in names) == 3  # the first station-day


def test_an_archive_is_not_written_into_another(tmp_path: Path) -> None:
    write_archive(tmp_path, scenario(stations=1))
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    with pytest.raises(InputError, match="already contains waveforms"):
        write_archive(tmp_path, scenario(stations=2), "ncedc")
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (lambda: Faults.parse("gap"), "did you mean gaps"),
        (lambda: Seismicity(min_magnitude=3, max_magnitude=2), "below the largest"),
        (lambda: Seismicity(depth_km=(5, 2)), "must increase"),
        (lambda: Seismicity(depth_km=(-5, 2)), "between 0 and 700"),
        (lambda: Seismicity(depth_km=(5, 900)), "between 0 and 700"),
        (lambda: Seismicity(radius_km=-1), "above 0"),
        (lambda: Seismicity(mainshock=12), "mainshock 12: magnitudes must be from -3 to 9.5"),
        (lambda: Seismicity(max_magnitude=float("nan")), "magnitudes must be from"),
        (
            lambda: make_scenario(
                ScenarioOptions(BEFORE, seismicity=Seismicity(min_magnitude=-3, mainshock=9))
            ),
            "larger smallest magnitude",
        ),
        (
            lambda: make_scenario(ScenarioOptions(BEFORE, center=(95.0, 0.0))),
            "is not a valid position",
        ),
        (
            lambda: make_scenario(ScenarioOptions(BEFORE, center=(float("nan"), 0.0))),
            "is not a valid position",
        ),
        (lambda: make_scenario(ScenarioOptions(BEFORE, radius_km=1e5)), "up to 2000 km"),
        (lambda: write_archive(Path("x"), scenario(), "sda"), "did you mean sds"),
        (lambda: scenario(stations=0), "at least one"),
        (
            lambda: make_scenario(
                ScenarioOptions(BEFORE, seismicity=Seismicity(count=50, separation_s=60))
            ),
            "do not fit",
        ),
        (lambda: write_archive(Path("x"), scenario(), record_length=100), "512 or 4096"),
    ],
)
def test_what_cannot_be_is_refused(wanted, message: str) -> None:
    with pytest.raises(InputError, match=message):
        wanted()
