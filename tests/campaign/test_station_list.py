"""What a campaign reads of its station list."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

from epicat.amplitude.options import AmplitudeOptions
from epicat.campaign.campaign import Campaign
from epicat.campaign.options import CampaignOptions
from epicat.campaign.resolve import resolve
from epicat.geo import Extent
from epicat.model import Span
from epicat.pick.picker import PickOptions
from epicat.synthetic.network import make_network, station_xml
from support.tiny_network import associate_options, install

_OPENED: Counter[str] = Counter()
"""Files opened by the name; an audit hook of Python cannot be removed."""


def _count(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open":
        _OPENED[str(arguments[0])] += 1


@pytest.fixture(scope="module", autouse=True)
def _counting() -> None:
    sys.addaudithook(_count)


def campaign(folder: Path, **amplitude: object) -> Campaign:
    (folder / "waveforms").mkdir(exist_ok=True)
    path = folder / "stations.xml"
    span = Span.parse("2020-01-01", "2020-01-02")
    path.write_text(station_xml(make_network(1, 4, (40.0, -124.0), 30.0), span))
    return resolve(
        CampaignOptions(
            start="2020-01-01",
            end="2020-01-02",
            extent=Extent(39, 41, -125, -123),
            archive=str(folder / "waveforms"),
            layout="sds",
            stations=str(path),
            store=str(folder / "store"),
            pick=PickOptions(weight=str(install(folder))),
            associate=associate_options(),
            amplitude=AmplitudeOptions(**amplitude),  # type: ignore[arg-type]
        )
    )


def test_stationxml_is_read_once_for_stations_and_responses(tmp_path: Path) -> None:
    found = campaign(tmp_path)
    assert _OPENED[str(tmp_path / "stations.xml")] == 2  # to write it, and to read it
    assert len(found.stations) == 4
    assert not found.responses.problems()
    assert {row[0] for row in found.responses.rows} == {
        f"{s.network}.{s.code}.{s.location}.{c}" for s in found.stations for c in s.channels
    }
    named = campaign(tmp_path, responses=str(tmp_path / "stations.xml"))
    assert (named.stations, named.responses) == (found.stations, found.responses)
    assert not campaign(tmp_path, amplitudes=False).responses
