"""Eight stations, a few events in a uniform earth, and their waveforms as an archive.

Every arrival is a pulse that `tiny_bundle`'s picker sees at its exact sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pymseed

from epicat.amplitude.options import AmplitudeOptions
from epicat.association.associate_options import AssociateOptions, PyOctoOptions
from epicat.association.design import Design, make_design
from epicat.association.sites import SiteIndex
from epicat.campaign.campaign import Campaign
from epicat.campaign.options import CampaignOptions
from epicat.campaign.pick_run import PickRun
from epicat.campaign.resolve import resolve
from epicat.geo import Extent, Plane
from epicat.model import Pick, Span, Station, StationDay
from epicat.pick.picker import PickOptions
from epicat.table_rows import picks_table
from epicat.time import DAY_NS, SECOND_NS, day_of, parse_time
from support.tiny_bundle import FULL_SCALE, INFO, RATE, install

EXTENT = Extent.parse("-40.3,-39.7,174.6,175.4")
PLANE = Plane(*EXTENT.center)
MIDNIGHT = parse_time("2020-01-02")
VP, VS = 6.0, 3.4
RUN = PickRun.from_options(INFO, PickOptions())

_PLACES = (
    (-22, 3, 120), (-14, -17, 0), (-6, 19, 840), (1, -4, 300),
    (5, 25, 60), (13, 9, 410), (19, -13, 15), (27, 2, 250),
)  # fmt: skip
_PULSE = np.array([0.4, 0.7, 1.0, 0.7, 0.4])


@dataclass(frozen=True, slots=True)
class Truth:
    """A true event."""

    time_ns: int
    x_km: float
    y_km: float
    z_km: float


def stations(locations: Sequence[str] = ("00",), places: int = len(_PLACES)) -> list[Station]:
    """Return the network's stations, one for each location code."""
    x, y, elevation = np.array(_PLACES[:places], float).T
    latitude, longitude = PLANE.to_lat_lon(x, y)
    return [
        Station("XX", f"ST{at:02d}", location, (), lat, lon, up, f"XX.ST{at:02d}")
        for at, (lat, lon, up) in enumerate(
            zip(latitude.tolist(), longitude.tolist(), elevation.tolist(), strict=True)
        )
        for location in locations
    ]


def truths(seconds: Iterable[float], around_ns: int = MIDNIGHT) -> list[Truth]:
    """Return an event at each of these times, scattered over the network."""
    generator = np.random.default_rng(7)
    return [
        Truth(
            around_ns + round(second * SECOND_NS),
            *generator.uniform((-15, -12, 4), (15, 12, 14)).tolist(),
        )
        for second in seconds
    ]


def arrivals(truth: Truth, rows: Iterable[Station]) -> list[Pick]:
    """Return the exact picks of an event."""
    picks = []
    for row in rows:
        x, y = (v.item() for v in PLANE.to_xy(row.latitude, row.longitude))
        z = -row.elevation_m / 1000
        distance = np.linalg.norm([x - truth.x_km, y - truth.y_km, z - truth.z_km]).item()
        for phase, velocity in (("P", VP), ("S", VS)):
            time = truth.time_ns + round(distance / velocity * SECOND_NS)
            confidence = 0.95 - distance / 200
            picks.append(Pick(time, row.id, "HH", phase, confidence, time, time))
    return sorted(picks)


def picks_of(events: Iterable[Truth], rows: Sequence[Station]) -> pa.Table:
    """Return the table of exact picks of some events."""
    picks = [pick for truth in events for pick in arrivals(truth, rows)]
    return picks_table(picks, RUN.digest, "exact")


def keyed_picks(events: Iterable[Truth], rows: Sequence[Station]) -> dict[StationDay, list[Pick]]:
    """Return exact picks by station-day."""
    found: dict[StationDay, list[Pick]] = {}
    names = {row.id: row.name for row in rows}
    for truth in events:
        for pick in arrivals(truth, rows):
            found.setdefault(StationDay(names[pick.trace_id], day_of(pick.time_ns)), []).append(
                pick
            )
    return found


def associate_options(**changed: object) -> AssociateOptions:
    """Return options for the uniform earth of this network."""
    given = {"p_velocity": VP, "s_velocity": VS, "pyocto": PyOctoOptions(n_picks=8)}
    return AssociateOptions(**{**given, **changed})  # type: ignore[arg-type]


def design_of(rows: Sequence[Station], options: AssociateOptions | None = None) -> Design:
    """Return the design of some stations."""
    chosen = options or associate_options()
    sites = SiteIndex.from_stations(rows, PLANE, chosen.site_radius_m).sites
    return make_design(chosen, RUN.digest, EXTENT, sites, None)


def bare_campaign(
    span: Span,
    rows: Sequence[Station] | None = None,
    options: AssociateOptions | None = None,
    archive: str = "nowhere",
) -> Campaign:
    """Return a campaign without waveforms, a bundle or a store."""
    chosen = tuple(sorted(rows if rows is not None else stations()))
    return Campaign(
        span=span,
        extent=EXTENT,
        archive=archive,
        layout="sds",
        store="nowhere",
        bundle=Path("nowhere"),
        run=RUN,
        design=design_of(chosen, options),
        stations=chosen,
        site_radius_m=100.0,
    )


def settled(folder: Path, store: Path, *, start: str = "2020-01-01", end: str = "2020-01-03",
            layout: str = "sds", archive: Path | None = None,
            flat_response: tuple[str, ...] = ()) -> Campaign:  # fmt: skip
    """Return the campaign of what `write_network` wrote into a folder."""
    return resolve(
        CampaignOptions(
            start=start,
            end=end,
            extent=EXTENT,
            archive=str(archive or folder / layout),
            layout=layout,
            stations=str(folder / "stations.csv"),
            store=str(store),
            pick=PickOptions(weight=str(install(folder))),
            associate=associate_options(),
            amplitude=AmplitudeOptions(flat_response=flat_response),
        )
    )


def arguments(folder: Path, store: Path, *more: str) -> list[str]:
    """Return what ``epicat run`` takes for what `write_network` wrote into a folder."""
    return [
        "2020-01-01", "2020-01-03", str(EXTENT), "--archive", str(folder / "sds"),
        "--layout", "sds", "--stations", str(folder / "stations.csv"), "--store", str(store),
        "--weight", str(install(folder)), "--p-velocity", str(VP), "--s-velocity", str(VS),
        "--pyocto", "n_picks=8", *more,
    ]  # fmt: skip


def write_network(
    folder: Path,
    events: Sequence[Truth],
    around_s: int = 900,
    changed: Callable[[str, np.ndarray], np.ndarray] = lambda _, samples: samples,
) -> None:
    """Write ``stations.csv`` and an SDS archive that holds some time around midnight.

    ``changed`` takes a channel, such as ``ST00.HHZ``, and its samples, and returns others.
    """
    rows = stations()
    lines = [f"{s.id},{s.latitude!r},{s.longitude!r},{s.elevation_m}" for s in rows]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stations.csv").write_text("\n".join(["id,latitude,longitude,elevation", *lines, ""]))
    span = Span(MIDNIGHT - around_s * SECOND_NS, MIDNIGHT + around_s * SECOND_NS)
    for row in rows:
        waveforms = _waveforms(row, events, span)
        for component, samples in zip("ZNE", waveforms, strict=True):
            written = changed(f"{row.code}.HH{component}", samples)
            for part, start_ns in _by_day(written, span.start_ns):
                write_sds(folder / "sds", row, f"HH{component}", part, start_ns)


def write_sds(
    root: Path, row: Station, channel: str, samples: np.ndarray, start_ns: int, rate: float = RATE
) -> Path:
    """Append samples to their SDS day file."""
    day = day_of(start_ns)
    name = f"{row.network}.{row.code}.{row.location}.{channel}.D.{day:%Y.%j}"
    path = root / f"{day:%Y}" / row.network / row.code / f"{channel}.D" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    write_mseed(path, (row.network, row.code, row.location, channel), [(samples, start_ns)], rate)
    return path


def write_mseed(
    path: Path,
    codes: tuple[str, str, str, str],
    parts: Iterable[tuple[np.ndarray, int]],
    rate: float,
) -> None:
    """Append pieces of one channel to a miniSEED file."""
    for samples, start_ns in parts:
        with pymseed.MS3TraceList() as traces:
            traces.add_data(
                pymseed.nslc2sourceid(*codes), samples.astype(np.int32), "i", rate,
                starttime=start_ns,
            )  # fmt: skip
            traces.to_file(path, format_version=2, max_record_length=512)


def _waveforms(row: Station, events: Iterable[Truth], span: Span) -> np.ndarray:
    data = np.zeros((3, round(span.seconds * RATE)))
    for truth in events:
        for pick in arrivals(truth, [replace(row)]):
            at = round((pick.time_ns - span.start_ns) * RATE / SECOND_NS)
            components = [0] if pick.phase == "P" else [1, 2]
            for component in components:
                data[component, at - 2 : at + 3] = pick.confidence * FULL_SCALE * _PULSE
    return data


def _by_day(samples: np.ndarray, start_ns: int) -> Iterable[tuple[np.ndarray, int]]:
    while len(samples):
        midnight = (start_ns // DAY_NS + 1) * DAY_NS
        count = min(len(samples), -(-(midnight - start_ns) * RATE // SECOND_NS))
        yield samples[:count], start_ns
        samples, start_ns = samples[count:], start_ns + count * SECOND_NS // RATE
