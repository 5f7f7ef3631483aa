from __future__ import annotations

from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from epicat.model import ANY_LOCATION, Span, Station, places_of
from epicat.time import day_start


def station(location: str, name: str = "NC.KBG", code: str = "KBG") -> Station:
    return Station("NC", code, location, (), 40.0, -124.0, 0.0, name)


def test_all_locations_of_a_station_are_one_place():
    rows = [station("10"), station(""), station("00", "NC.AAA", "AAA")]
    places = places_of(rows)
    assert list(places) == ["NC.AAA", "NC.KBG"]
    place = places["NC.KBG"]
    assert (place.network, place.code, place.locations) == ("NC", "KBG", {"", "10"})
    assert all(place.has_location(code) for code in ("", "10", "99"))


def test_a_code_with_two_places_gives_each_its_locations_and_one_the_rest():
    rows = [station("00", "NC.KBG.00"), station(ANY_LOCATION, "NC.KBG.*")]
    listed, rest = places_of(rows)["NC.KBG.00"], places_of(rows)["NC.KBG.*"]
    assert [listed.has_location(code) for code in ("00", "10")] == [True, False]
    assert [rest.has_location(code) for code in ("00", "10")] == [False, True]


@given(st.lists(st.sampled_from(["", "00", "10", "20", ANY_LOCATION]), unique=True, min_size=1),
       st.sampled_from(["", "00", "10", "20", "99"]))  # fmt: skip
def test_no_waveforms_belong_to_two_places(locations, code):
    rows = [station(location, f"NC.KBG.{location}") for location in locations]
    owners = [p.name for p in places_of(rows).values() if p.has_location(code)]
    listed = code in locations or ANY_LOCATION in locations
    assert len(owners) == listed


def test_a_place_operates_while_one_of_its_locations_does():
    first, second = (day_start(date(2020, 1, day)) for day in (1, 2))
    epoch = Span(first, second)
    place = places_of([replace(station("00"), epochs=(epoch,))])["NC.KBG"]
    assert place.operates(epoch)
    assert not place.operates(Span(second, second + 1))
    both = places_of([replace(station("00"), epochs=(epoch,)), station("10")])["NC.KBG"]
    assert both.operates(Span(second, second + 1))
