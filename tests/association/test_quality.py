from __future__ import annotations

from dataclasses import replace

import pytest

from epicat.association.quality import CatalogQuality, event_flags, judged
from epicat.campaign.pick_run import PickRun
from epicat.errors import InputError
from epicat.ledger import Flag
from epicat.pick.picker import PickOptions
from epicat.testing.store_contract import event_at
from epicat.waveforms.quality import QualityOptions
from support.tiny_bundle import INFO
from support.tiny_network import RUN, associate_options, design_of, stations

EVENT = replace(event_at(0), n_stations=5, gap_deg=271.04, rms_s=0.5)
LIMITS = {
    "max_picks_per_hour": 300,
    "max_picks_per_day": 3000,
    "min_stations": 6,
    "max_gap_deg": 200.0,
    "max_rms_s": 0.4,
}
WAVEFORMS = {
    "max_bridged_gap_s": 0.05,
    "min_segment_s": 60.0,
    "max_gap_share": 0.5,
    "max_dead_share": 0.5,
    "max_clipped_share": 0.01,
}


def test_an_event_says_why_it_is_rejected() -> None:
    (event,) = judged([EVENT], CatalogQuality(**LIMITS))
    assert event.rejected == "stations 5 < 6; gap 271.0 > 200 deg; rms 0.500 > 0.4 s"
    assert replace(event, rejected="") == EVENT
    assert event.id("design") == EVENT.id("design")


def test_limits_themselves_are_kept() -> None:
    limits = CatalogQuality(min_stations=5, max_gap_deg=271.04, max_rms_s=0.5)
    assert judged([EVENT], limits) == [EVENT]
    assert judged([EVENT], CatalogQuality()) == [EVENT]


def test_an_event_counts_for_each_criterion_that_it_fails() -> None:
    events = [EVENT, replace(EVENT, gap_deg=90), replace(EVENT, gap_deg=90, n_stations=9)]
    limits = CatalogQuality(min_stations=6, max_gap_deg=180)
    assert event_flags(events, limits) == (Flag("gap", 1), Flag("stations", 2))
    assert event_flags(events, CatalogQuality()) == ()


def test_digests_without_limits_are_what_they_were_before_there_were_any() -> None:
    assert RUN.digest == "gxpbjnscysxiw3ye"
    assert design_of(stations()).digest == "szj2yi2abtiq5szk"


@pytest.mark.parametrize("name", LIMITS)
def test_every_limit_of_a_catalog_makes_another_associator(name: str) -> None:
    assert set(LIMITS) == set(CatalogQuality.model_fields)
    quality = CatalogQuality(**{name: LIMITS[name]})
    design = design_of(stations(), associate_options(quality=quality))
    assert design.digest != design_of(stations()).digest
    assert f"{name}={LIMITS[name]!r}" in design.described()


def test_every_limit_of_waveforms_makes_another_run() -> None:
    assert {*WAVEFORMS, "dead_range"} == set(QualityOptions.model_fields)
    options = [QualityOptions(**{name: value}) for name, value in WAVEFORMS.items()]
    options += [QualityOptions(), QualityOptions(max_dead_share=0.5, dead_range=1.0)]
    digests = {PickRun.from_options(INFO, PickOptions(), quality).digest for quality in options}
    assert len(digests) == len(options)
    assert RUN.digest in digests


def test_nearly_equal_limits_are_not_equal() -> None:
    one, other = (QualityOptions(min_segment_s=s) for s in (60.0000001, 60.0))
    assert one.given != other.given


def test_runs_and_designs_come_back_with_their_limits() -> None:
    run = PickRun.from_options(INFO, PickOptions(), QualityOptions(**WAVEFORMS))
    again = PickRun.model_validate_json(run.model_dump_json())
    assert (again, again.digest) == (run, run.digest)
    before = RUN.model_dump(mode="json", exclude={"quality"})
    assert PickRun.model_validate(before).digest == RUN.digest


def test_more_stations_than_there_are_cannot_be_asked_for() -> None:
    quality = CatalogQuality(min_stations=9)
    with pytest.raises(InputError, match="min_stations: 9, but there are 8 sites"):
        design_of(stations(), associate_options(quality=quality))
