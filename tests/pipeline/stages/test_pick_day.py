from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from epicat.archive.archive import Archive, LayoutArchive
from epicat.archive.layouts import Sds
from epicat.association.associate_options import AssociateOptions
from epicat.association.design import make_design
from epicat.association.sites import SiteIndex
from epicat.campaign.campaign import Campaign, whole_days
from epicat.campaign.pick_run import PickRun
from epicat.errors import ArchiveError
from epicat.geo import Extent, Plane
from epicat.ledger import Flag, Status
from epicat.model import Pick, Span, Station, StationDay
from epicat.pick.picker import PickOptions
from epicat.pipeline.stages.pick_day import DayPicker, DayResult
from epicat.stations import with_names
from epicat.testing import FakePicker
from epicat.waveforms.quality import QualityOptions
from support.waves import DAY, MIDNIGHT, SECOND, MemorySource, mseed, records, sds_key

NOON = MIDNIGHT + 12 * 3600 * SECOND
KEY = StationDay("XX.AAA", DAY)
BEFORE, AFTER = (StationDay("XX.AAA", DAY + timedelta(days=n)) for n in (-1, 1))
HALO_S = 4 * 301 / 100
NSLC = ("XX.AAA..HHZ", "XX.AAA..HHN", "XX.AAA..HHE")
PICKER = FakePicker()


def station(name: str, latitude: float = 40) -> Station:
    network, code, location = name.split(".")
    return Station(network, code, location, (), latitude, -124, 0)


def campaign(
    stations: Sequence[Station] = (station("XX.AAA."),), quality: QualityOptions | None = None
) -> Campaign:
    """A campaign around a picker that needs no compiled model."""
    extent, options = Extent(39, 41, -125, -123), AssociateOptions()
    run = PickRun.from_options(PICKER.info, PickOptions(), quality)
    named = with_names(stations)
    sites = SiteIndex.from_stations(named, Plane(*extent.center), options.site_radius_m).sites
    return Campaign(
        span=whole_days(KEY.span),
        extent=extent,
        archive="memory",
        layout="sds",
        store="nowhere",
        bundle=Path("nowhere"),
        run=run,
        design=make_design(options, run.digest, extent, sites, None),
        stations=tuple(named),
        site_radius_m=options.site_radius_m,
    )


CAMPAIGN = campaign()
STRICT = campaign(
    quality=QualityOptions(min_segment_s=20, max_dead_share=0.9, max_clipped_share=0.3)
)


def pulses(
    start_ns: int, seconds: float, times_ns: Iterable[int], rate: float = 100
) -> NDArray[np.int32]:
    """Counts with a short, smooth pulse at each time."""
    at = np.arange(round(seconds * rate)) / rate
    total = np.zeros(len(at))
    for time_ns in times_ns:
        total += 9000 * np.exp(-0.5 * ((at - (time_ns - start_ns) / 1e9) / 0.03) ** 2)
    return np.rint(total).astype(np.int32)


def archive_of(objects: Mapping[str, bytes]) -> LayoutArchive:
    return LayoutArchive(MemorySource(objects), Sds())


def pick(objects: Mapping[str, bytes], key: StationDay = KEY, of: Campaign = CAMPAIGN) -> DayResult:
    return DayPicker(of, archive_of(objects), PICKER).pick(key)


def object_of(
    samples: NDArray[np.int32], start_ns: int, nslc: str = NSLC[0], day: date = DAY
) -> dict[str, bytes]:
    return {sds_key(nslc, day): mseed(samples, start_ns, nslc=nslc)}


QUIET = np.zeros(3000, np.int32)
PULSE = pulses(NOON, 30, [NOON + 10 * SECOND])


def times(picks: Iterable[Pick], phase: str) -> list[int]:
    return [p.time_ns for p in picks if p.phase == phase]


def test_a_pulse_is_picked_with_all_that_is_known_about_it() -> None:
    s = pulses(NOON, 30, [NOON + 14 * SECOND])
    result = pick(
        object_of(PULSE, NOON) | object_of(s, NOON, NSLC[1]) | object_of(s, NOON, NSLC[2])
    )
    assert result.status is Status.DONE
    assert result.reason == ""
    assert [(p.phase, p.time_ns) for p in result.picks] == [
        ("P", NOON + 10 * SECOND), ("S", NOON + 14 * SECOND),
    ]  # fmt: skip
    for found in result.picks:
        assert (found.trace_id, found.band) == ("XX.AAA.", "HH")
        assert 0.85 < found.confidence < 1
        assert found.onset_ns < found.time_ns < found.end_ns
        assert found.end_ns - found.onset_ns < SECOND
    assert result.samples == 9000
    assert result.gaps == 2
    assert result.channels == "--.HH[ZNE]"
    assert [o.key for o in result.objects] == sorted(sds_key(n, DAY) for n in NSLC)
    assert all(o.etag and not o.reason for o in result.objects)


def test_the_true_time_of_a_sample_is_the_time_of_its_pick() -> None:
    late = 3_217_000
    result = pick(object_of(PULSE, NOON + late))
    assert times(result.picks, "P") == [NOON + 10 * SECOND + late]


@pytest.mark.parametrize("rate", [40, 50, 125, 200, 250])
def test_other_rates_are_picked_at_the_same_time(rate: float) -> None:
    samples = pulses(NOON, 30, [NOON + 10 * SECOND], rate)
    result = pick({sds_key(NSLC[0], DAY): mseed(samples, NOON, rate)})
    (found,) = times(result.picks, "P")
    assert abs(found - NOON - 10 * SECOND) <= SECOND // 100


def test_nothing_found_is_told_from_nothing_there() -> None:
    assert pick(object_of(QUIET, NOON)).status is Status.NO_PICKS
    nothing = pick({})
    assert (nothing.status, nothing.reason) == (Status.NO_DATA, "no object in the archive")
    # The object of the next day is looked at, for the sake of midnight.
    day_before = pick(object_of(QUIET, NOON), BEFORE)
    assert (day_before.status, day_before.reason) == (Status.NO_DATA, "no sample of this day")


def test_an_object_without_a_sample_of_the_day_is_no_data() -> None:
    misfiled = object_of(QUIET, NOON - 86_400 * SECOND)
    result = pick(misfiled)
    assert (result.status, result.reason) == (Status.NO_DATA, "no sample of this day")
    assert [o.key for o in result.objects] == list(misfiled)
    # Data of the halo alone are none of the day.
    night = object_of(QUIET[:500], MIDNIGHT - 6 * SECOND, day=DAY - timedelta(days=1))
    assert pick(night).status is Status.NO_DATA


def test_channels_that_cannot_be_picked_are_no_data_with_the_reason() -> None:
    slow = {sds_key("XX.AAA..LHZ", DAY): mseed(QUIET, NOON, 1, "XX.AAA..LHZ")}
    result = pick(slow)
    assert (result.status, result.reason) == (Status.NO_DATA, "LHZ at 1 Hz cannot be picked")


def test_a_component_of_the_chosen_band_that_is_left_out_is_told() -> None:
    quiet = [(NSLC[1], 100.0), (NSLC[2], 100.0), ("XX.AAA..LHZ", 1.0)]
    objects = {sds_key(nslc, DAY): mseed(QUIET, NOON, rate, nslc) for nslc, rate in quiet}
    assert pick(objects).reason == ""
    result = pick(objects | {sds_key(NSLC[0], DAY): mseed(QUIET, NOON, 1e9)})
    assert (result.channels, result.reason) == ("--.HH[NE]", "HHZ at 1e+09 Hz cannot be picked")


def test_an_object_of_other_years_is_told_beside_good_ones() -> None:
    years = 2 * 365 * 86_400 * SECOND
    old = object_of(QUIET, NOON - years)
    told = (
        f"{sds_key(NSLC[0], DAY)}: holds 2017-06-21T12:00:00.000000Z to 2017-06-21T12:00:29.990000Z"
    )
    assert pick(old).reason == told
    result = pick(old | object_of(QUIET, NOON, NSLC[1]))
    assert (result.status, result.channels, result.reason) == (Status.NO_PICKS, "--.HH[N]", told)


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b"garbage", "not miniSEED, 7 bytes: it is text that starts with 'garbage'"),
     (b"", "empty, 0 bytes"),
     (mseed(QUIET, NOON, nslc="XX.BBB..HHZ"), "holds XX.BBB, not XX.AAA")],
)  # fmt: skip
def test_a_day_of_bad_objects_is_a_read_error_that_names_them(body: bytes, reason: str) -> None:
    key = sds_key(NSLC[0], DAY)
    result = pick({key: body})
    assert result.status is Status.READ_ERROR
    assert result.reason == f"{key}: {reason}"
    assert [(o.key, o.reason) for o in result.objects] == [(key, reason)]


def test_an_object_that_cannot_be_read_is_a_read_error() -> None:
    key = sds_key(NSLC[0], DAY)
    source = MemorySource({key: b"x"})
    source.broken[key] = "cannot be read: Permission denied"
    result = DayPicker(CAMPAIGN, LayoutArchive(source, Sds()), PICKER).pick(KEY)
    assert result.status is Status.READ_ERROR
    assert result.reason == f"{key}: cannot be read: Permission denied"


def test_an_archive_that_cannot_be_listed_is_a_read_error() -> None:
    class Lost(MemorySource):
        def list(self, prefix: str):  # type: ignore[no-untyped-def]
            raise ArchiveError(f"{prefix} cannot be listed: the cable is cut")

    result = DayPicker(CAMPAIGN, LayoutArchive(Lost({}), Sds()), PICKER).pick(KEY)
    assert result.status is Status.READ_ERROR
    assert "the cable is cut" in result.reason


def test_pieces_shorter_than_a_window_are_too_gappy() -> None:
    pieces = [mseed(QUIET[:100], NOON + n * 10 * SECOND) for n in range(5)]
    result = pick({sds_key(NSLC[0], DAY): b"".join(pieces)})
    assert result.status is Status.TOO_GAPPY
    assert result.reason == "5 segments, the longest 1.0 s; the picker needs 3.0 s"
    assert (result.samples, result.gaps) == (500, 6)


def test_one_bad_object_does_not_spoil_the_day() -> None:
    bad = sds_key(NSLC[1], DAY)
    result = pick(object_of(PULSE, NOON) | {bad: b"garbage"})
    assert result.status is Status.DONE
    assert times(result.picks, "P") == [NOON + 10 * SECOND]
    assert result.reason == f"{bad}: not miniSEED, 7 bytes: it is text that starts with 'garbage'"
    assert {o.key: bool(o.reason) for o in result.objects} == {
        sds_key(NSLC[0], DAY): False, bad: True,
    }  # fmt: skip


def test_damage_inside_an_object_costs_its_record_alone() -> None:
    parts = records(PULSE, NOON, reclen=256)
    cut = len(parts) - 2
    parts[cut] = b"\xff" * 256
    key = sds_key(NSLC[0], DAY)
    result = pick({key: b"".join(parts)})
    assert result.status is Status.DONE
    assert times(result.picks, "P") == [NOON + 10 * SECOND]
    assert "256 of" in result.reason


def test_two_places_under_one_code_are_picked_apart() -> None:
    rows = [station("XX.AAA.00"), station("XX.AAA.10", 40.5)]
    both = campaign(rows)
    assert both.names == ["XX.AAA.00", "XX.AAA.10"]
    other = pulses(NOON, 30, [NOON + 20 * SECOND])
    objects = object_of(PULSE, NOON, "XX.AAA.00.HHZ") | object_of(other, NOON, "XX.AAA.10.HHZ")
    for name, second in (("XX.AAA.00", 10), ("XX.AAA.10", 20)):
        result = pick(objects, StationDay(name, DAY), both)
        assert [(p.trace_id, p.time_ns) for p in result.picks] == [(name, NOON + second * SECOND)]


def test_co_located_instruments_are_one_station_and_the_pick_keeps_its_channel() -> None:
    one = campaign([station("XX.AAA.00"), station("XX.AAA.10")])
    objects = object_of(PULSE, NOON, "XX.AAA.00.HNZ") | object_of(PULSE, NOON, "XX.AAA.10.EHZ")
    result = pick(objects, KEY, one)
    assert [(p.trace_id, p.band) for p in result.picks] == [("XX.AAA.10", "EH")]
    assert result.channels == "10.EH[Z]"


# Midnight, and what is read around a day.


def two_days(
    samples: NDArray[np.int32], start_ns: int, nslc: str = NSLC[0], cut: str = "at midnight"
) -> dict[str, bytes]:
    """The objects of the day before and of the day, with samples around the midnight between."""
    keys = [sds_key(nslc, day) for day in (BEFORE.day, DAY)]
    middle = (MIDNIGHT - start_ns) * 100 // SECOND
    if cut == "at midnight":
        parts = samples[:middle], samples[middle:]
        bodies = [mseed(parts[0], start_ns, nslc=nslc), mseed(parts[1], MIDNIGHT, nslc=nslc)]
        if start_ns % 10_000_000:  # the true times of the second object
            bodies[1] = mseed(parts[1], start_ns + middle * 10_000_000, nslc=nslc)
    else:
        pieces = [
            mseed(samples[n : n + 230], start_ns + n * 10_000_000, nslc=nslc)
            for n in range(0, len(samples), 230)
        ]
        at = middle // 230 + 1  # the record that straddles midnight is in the day before
        overlap = 2 if cut == "overlapping" else 0
        bodies = [b"".join(pieces[: at + overlap]), b"".join(pieces[at - overlap :])]
    return dict(zip(keys, bodies, strict=True))


@settings(max_examples=60)
@given(
    st.integers(-300, 300),
    st.integers(-5000, 4999),
    st.sampled_from(["at midnight", "straddling", "overlapping"]),
)
@example(0, 0, "at midnight")
@example(0, -1, "straddling")
@example(-1, 0, "at midnight")
@example(-1, 4999, "overlapping")
def test_a_pick_at_midnight_belongs_to_exactly_one_day(sample: int, late_us: int, cut: str) -> None:
    """A pulse within three seconds of midnight, its clock up to half a sample off the grid."""
    start = MIDNIGHT - 60 * SECOND + late_us * 1000
    pulse = start + 60 * SECOND + sample * SECOND // 100
    objects = two_days(pulses(start, 120, [pulse]), start, cut=cut)
    days = {key: pick(objects, key) for key in (BEFORE, KEY, AFTER)}
    found = {key: times(result.picks, "P") for key, result in days.items()}
    assert sorted(t for ts in found.values() for t in ts) == [pulse]
    owner = BEFORE if pulse < MIDNIGHT else KEY
    assert found[owner] == [pulse]


@settings(max_examples=25)
@given(
    st.integers(0, 2**16),
    st.sampled_from([40, 100, 200]),
    st.floats(HALO_S, 60),
    st.floats(HALO_S, 60),
    st.sampled_from([CAMPAIGN, STRICT]),
)
@example(1, 40, HALO_S, HALO_S, STRICT)
@example(63498, 40, 13.0, 13.0, CAMPAIGN)  # no pulse of the day itself
def test_the_picks_of_a_day_do_not_depend_on_what_exists_beyond_the_halo(
    seed: int, rate: int, before_s: float, after_s: float, of: Campaign
) -> None:
    """Ten seconds on each side of both midnights of the day, and more or less beyond them."""
    rng = np.random.default_rng(seed)
    results = []
    ends = MIDNIGHT, MIDNIGHT + 86_400 * SECOND
    at = [end + round(s * SECOND) for end in ends for s in rng.uniform(-9, 9, 5)]
    strange = [end + sign * round(s * SECOND) for end, sign in zip(ends, (-1, 1), strict=True)
               for s in rng.uniform(HALO_S + 3, 58, 4)]  # fmt: skip
    for far in (False, True):
        reach = (60.0, 60.0) if far else (before_s, after_s)
        objects: dict[str, bytes] = {}
        for nslc in NSLC:
            noise = np.random.default_rng(seed + 1)
            pieces: dict[date, list[bytes]] = {}
            for end, sign, known in zip(ends, (-1, 1), reach, strict=True):
                start = end - 60 * SECOND
                samples = pulses(start, 120, [*at, *strange], rate)
                samples = samples + noise.integers(-50, 50, len(samples))
                n = 60 * rate
                # Whole seconds in each record: beyond the halo they may be there or not.
                for low in range(0, 2 * n, rate):
                    seconds = (low - n) / rate
                    outside = seconds + 1 <= -known if sign < 0 else seconds >= known
                    if outside:
                        continue
                    moment = start + low * SECOND // rate
                    day = DAY + timedelta(days=(moment - MIDNIGHT) // (86_400 * SECOND))
                    body = mseed(samples[low : low + rate].astype(np.int32), moment, rate, nslc)
                    pieces.setdefault(day, []).append(body)
            objects |= {sds_key(nslc, day): b"".join(p) for day, p in pieces.items()}
        results.append(pick(objects, of=of))
    near, full = results
    assert near.picks == full.picks
    assert (near.status, near.samples, near.gaps) == (full.status, full.samples, full.gaps)
    assert (near.reason, near.flags) == (full.reason, full.flags) == ("", ())
    inside = [t for t in at if ends[0] + SECOND <= t < ends[1] - SECOND]
    assert near.status is Status.DONE or not inside


def test_the_objects_of_a_day_are_those_of_its_halo() -> None:
    objects = {sds_key(NSLC[0], DAY + timedelta(days=n)): b"x" for n in range(-3, 4)}
    archive: Archive = archive_of(objects)
    items = DayPicker(CAMPAIGN, archive, PICKER).objects(KEY)
    assert [i.key for i in items] == [sds_key(NSLC[0], key.day) for key in (BEFORE, KEY, AFTER)]
    assert CAMPAIGN.run.halo_ns == round(HALO_S * SECOND)


def test_only_picks_of_the_day_are_kept_of_a_run_of_pulses() -> None:
    start = MIDNIGHT - 60 * SECOND
    at = [start + n * SECOND for n in range(5, 116, 2)]
    objects = two_days(pulses(start, 120, at), start)
    found = {key: times(pick(objects, key).picks, "P") for key in (BEFORE, KEY)}
    assert found[BEFORE] == [t for t in at if t < MIDNIGHT]
    assert found[KEY] == [t for t in at if t >= MIDNIGHT]
    assert Span(MIDNIGHT, MIDNIGHT + 1).overlaps(KEY.span)


@settings(max_examples=40)
@given(st.integers(-250, 250), st.integers(-3, 3))
@example(1, -2)
@example(-1, 2)
def test_where_the_band_changes_at_midnight_an_arrival_is_lost_or_double_only_between_peaks(
    sample: int, later: int
) -> None:
    """HH is chosen on the day before and EH on the day: each has its own peak of an arrival.

    No arrival is at risk but one that HH puts on one side of midnight and EH on the other, some
    samples apart.  The two of a double one count as one in association.
    """
    start = MIDNIGHT - 60 * SECOND
    at = {"HH": MIDNIGHT + sample * SECOND // 100}
    at["EH"] = at["HH"] + later * SECOND // 100
    objects: dict[str, bytes] = {}
    for band, seconds in (("HH", 64), ("EH", 120)):
        objects |= two_days(pulses(start, seconds, [at[band]]), start, f"XX.AAA..{band}Z")
    results = {key: pick(objects, key) for key in (BEFORE, KEY)}
    assert [r.channels for r in results.values()] == ["--.HH[Z]", "--.EH[Z]"]
    found = [(p.band, p.time_ns) for result in results.values() for p in result.picks]
    expected = [("HH", at["HH"])] * (at["HH"] < MIDNIGHT) + [("EH", at["EH"])] * (
        at["EH"] >= MIDNIGHT
    )
    assert found == expected
    if (at["HH"] < MIDNIGHT) == (at["EH"] < MIDNIGHT):
        assert len(found) == 1


# Quality control.

LIVE = np.random.default_rng(0).integers(-50, 50, 12_000).astype(np.int32)
DEAD = np.full(12_000, 3, np.int32)


def test_a_rejected_day_does_not_reject_its_neighbour() -> None:
    """A pick just after midnight needs what the dead day before has: it is read as it is."""
    start = MIDNIGHT - 60 * SECOND
    samples = pulses(start, 120, [MIDNIGHT + SECOND // 2]) + LIVE
    samples[:6000] = 3
    objects = two_days(samples, start)
    before, day = (pick(objects, key, STRICT) for key in (BEFORE, KEY))
    assert (before.status, before.picks) == (Status.REJECTED, ())
    assert before.reason == "--.HHZ is dead for 100 % of its time, more than 90 %"
    assert before.flags == (Flag("dead channel", 1),)
    assert (day.status, day.flags) == (Status.DONE, ())
    assert times(day.picks, "P") == [MIDNIGHT + SECOND // 2]
    assert day.picks == pick(objects).picks


def test_a_bad_object_beside_a_dead_channel_is_tried_again() -> None:
    bad = sds_key(NSLC[1], DAY)
    result = pick(object_of(DEAD, NOON) | {bad: b"garbage"}, of=STRICT)
    assert result.status is Status.READ_ERROR
    assert result.reason == (
        f"--.HHZ is dead for 100 % of its time, more than 90 %; {bad}: "
        "not miniSEED, 7 bytes: it is text that starts with 'garbage'"
    )
    assert result.flags == (Flag("dead channel", 1),)


def test_a_live_instrument_stands_in_for_a_dead_one() -> None:
    hammer = object_of(PULSE, NOON, "XX.AAA..HNZ")
    dead = {sds_key(n, DAY): mseed(DEAD, NOON, nslc=n) for n in NSLC}
    assert pick(hammer | dead).channels == "--.HH[ZNE]"
    result = pick(hammer | dead, of=STRICT)
    assert (result.channels, times(result.picks, "P")) == ("--.HN[Z]", [NOON + 10 * SECOND])
    assert result.flags == (Flag("dead channel", 3),)


def test_a_day_of_short_segments_is_too_gappy() -> None:
    pieces = [mseed(LIVE[:1000], NOON + n * 30 * SECOND) for n in range(5)]
    objects = {sds_key(NSLC[0], DAY): b"".join(pieces)}
    assert pick(objects).status is Status.NO_PICKS
    result = pick(objects, of=STRICT)
    assert result.status is Status.TOO_GAPPY
    assert result.reason == "5 of 5 segments are shorter than 20 s (50.0 s in all)"
    assert (result.samples, result.gaps) == (5000, 6)
