"""Ground truth of an archive: earthquakes and arrivals as Parquet, CSV and QuakeML."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from epicat.export.quakeml import write_quakeml
from epicat.export.quakes import Part
from epicat.export.rows import write_csv
from epicat.model import digest_of
from epicat.synthetic.amplitude import local_magnitude
from epicat.synthetic.miniseed_objects import atomic_object
from epicat.synthetic.recording import RecordedEarthquake
from epicat.synthetic.seismicity import Earthquake
from epicat.synthetic.station_day import StationDayResult
from epicat.tables import ARRIVALS, EVENTS, PICKS
from epicat.velocity.layers import Phase

__all__ = ["DETECTABLE_SNR", "TRUE_ARRIVALS", "TRUE_EVENTS", "TruthFiles"]


_TIME = pa.timestamp("ns", tz="UTC")

TRUE_EVENTS: Final = pa.schema(
    [
        pa.field("event_id", pa.string(), nullable=False),
        pa.field("time", _TIME, nullable=False),
        pa.field("latitude", pa.float64(), nullable=False),
        pa.field("longitude", pa.float64(), nullable=False),
        pa.field("depth_km", pa.float64(), nullable=False),
        pa.field("magnitude", pa.float64(), nullable=False),
        pa.field("ml", pa.float64(), nullable=False),
        pa.field("n_detectable", pa.int32(), nullable=False),
        pa.field("strike_deg", pa.float64(), nullable=False),
        pa.field("dip_deg", pa.float64(), nullable=False),
        pa.field("rake_deg", pa.float64(), nullable=False),
        pa.field("stress_drop_mpa", pa.float64(), nullable=False),
    ]
)
"""Earthquakes.  ``magnitude`` is the moment magnitude, ``ml`` the median of the stations' local
magnitudes without noise (NaN if no station recorded it), ``n_detectable`` the number of stations
that recorded P with a signal-to-noise ratio above 3."""

TRUE_ARRIVALS: Final = pa.schema(
    [
        pa.field("event_id", pa.string(), nullable=False),
        pa.field("pick_id", pa.string(), nullable=False),
        pa.field("trace_id", pa.string(), nullable=False),
        pa.field("band", pa.string(), nullable=False),
        pa.field("phase", pa.string(), nullable=False),
        pa.field("time", _TIME, nullable=False),
        pa.field("snr", pa.float64(), nullable=False),
        pa.field("recorded", pa.bool_(), nullable=False),
        pa.field("polarity", pa.int8(), nullable=False),
        pa.field("distance_km", pa.float64(), nullable=False),
        pa.field("azimuth_deg", pa.float64(), nullable=False),
        pa.field("wood_anderson_mm", pa.float64(), nullable=False),
    ]
)
"""Arrivals at the first sensor of each station.  ``recorded``: whether its component (Z
for P, N or E for S) has data at that time; ``polarity`` is 1 for up and -1 for down: that of the
direct P wave.  Near nodal planes scattered waves are stronger, and the record may begin otherwise.
"""


DETECTABLE_SNR = 3.0
"""An earthquake is detectable at a station if its P signal-to-noise ratio is above this."""
_AT_ONCE = 500
_DESIGN = "truth"
_PHASES: tuple[Phase, Phase] = ("P", "S")


class TruthFiles:
    """Collects the earthquakes recorded on any number of station-days and writes ``truth/``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._detectable: dict[str, int] = defaultdict(int)
        self._sizes: dict[str, list[float]] = defaultdict(list)
        self.arrivals = 0
        """Number of arrivals."""

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._file = atomic_object(self._folder / "arrivals.parquet")
        self._writer = pq.ParquetWriter(self._file.__enter__(), TRUE_ARRIVALS, compression="zstd")
        return self

    def __exit__(self, *error: object) -> None:
        self._writer.close()
        self._file.__exit__(*error)  # type: ignore[arg-type]

    def add(self, result: StationDayResult) -> None:
        """Add the earthquakes recorded on a station-day."""
        rows = []
        for record in result.earthquakes:
            p, s = ((phase, _is_recorded(result, record, phase)) for phase in _PHASES)
            rows += [_arrival(result, record, *which) for which in (p, s)]
            name = record.quake.event_id
            if p[1] and record.snr["P"] > DETECTABLE_SNR:
                self._detectable[name] += 1
            distance = record.shaking.path.hypocentral_km
            self._sizes[name].append(local_magnitude(record.wood_anderson_mm, distance))
        if rows:
            self._writer.write_table(pa.Table.from_pylist(rows, schema=TRUE_ARRIVALS))
            self.arrivals += len(rows)

    def finish(self, quakes: Iterable[Earthquake]) -> pa.Table:
        """Write the other files after the context is closed; return the earthquakes."""
        rows = [self._event(quake) for quake in quakes]
        events = pa.Table.from_pylist(rows, schema=TRUE_EVENTS)
        with atomic_object(self._folder / "events.parquet") as file:
            pq.write_table(events, file, compression="zstd")
        with (
            atomic_object(self._folder / "events.csv") as file,
            io.TextIOWrapper(file, "utf-8") as text,
        ):
            write_csv(events, events.column_names, text)
        source = self._folder / "arrivals.parquet"
        with (
            atomic_object(self._folder / "arrivals.csv") as file,
            io.TextIOWrapper(file, "utf-8") as text,
        ):
            write_csv(pq.read_table(source), TRUE_ARRIVALS.names, text)
        with (
            atomic_object(self._folder / "events.xml") as file,
            io.TextIOWrapper(file, "utf-8") as text,
        ):
            write_quakeml(_parts(events, source), pa.table({}), text)
        return events

    def _event(self, quake: Earthquake) -> dict[str, object]:
        source = quake.source
        sizes = self._sizes.get(quake.event_id)
        return {
            "event_id": quake.event_id,
            "time": quake.time_ns,
            "latitude": quake.latitude,
            "longitude": quake.longitude,
            "depth_km": quake.depth_km,
            "magnitude": source.magnitude,
            "ml": float(np.median(sizes)) if sizes else float("nan"),
            "n_detectable": self._detectable.get(quake.event_id, 0),
            "strike_deg": source.mechanism.strike_deg,
            "dip_deg": source.mechanism.dip_deg,
            "rake_deg": source.mechanism.rake_deg,
            "stress_drop_mpa": source.stress_drop_pa / 1e6,
        }


@contextmanager
def _text_file(path: Path) -> Iterator[io.TextIOWrapper]:
    with atomic_object(path) as file, io.TextIOWrapper(file, "utf-8") as text:
        yield text


def _arrival(
    result: StationDayResult, record: RecordedEarthquake, phase: Phase, recorded: bool
) -> dict[str, object]:
    place, sensor = result.task.place, result.task.place.sensors[0]
    trace = f"{place.name}.{sensor.location}"
    path = record.shaking.path
    return {
        "event_id": record.quake.event_id,
        "pick_id": digest_of(_DESIGN, record.quake.event_id, trace, phase),
        "trace_id": trace,
        "band": sensor.band,
        "phase": phase,
        "time": record.time_ns(phase),
        "snr": record.snr[phase],
        "recorded": recorded,
        "polarity": record.shaking.polarity if phase == "P" else 0,
        "distance_km": path.distance_km,
        "azimuth_deg": path.azimuth_deg,
        "wood_anderson_mm": record.wood_anderson_mm,
    }


def _is_recorded(result: StationDayResult, record: RecordedEarthquake, phase: Phase) -> bool:
    time = record.time_ns(phase)
    gone = {c for c, span in result.missing if span.start_ns <= time < span.end_ns}
    return bool(set("Z" if phase == "P" else "NE") - gone)


def _parts(events: pa.Table, source: Path) -> Iterator[Part]:
    """Yield the catalog in the columns of `epicat.tables`, some earthquakes at a time."""
    for begin in range(0, events.num_rows, _AT_ONCE):
        some = events.slice(begin, _AT_ONCE)
        arrivals = pq.read_table(
            source, filters=pc.field("event_id").isin(some["event_id"].combine_chunks())
        )
        yield Part(_as_events(some, arrivals), _as_arrivals(arrivals), _as_picks(arrivals))


def _as_events(events: pa.Table, arrivals: pa.Table) -> pa.Table:
    counts = arrivals.group_by("event_id").aggregate([("trace_id", "count_distinct")])
    names, numbers = counts["event_id"].to_pylist(), counts["trace_id_count_distinct"].to_pylist()
    known = dict(zip(names, numbers, strict=True))
    nothing = [float("nan")] * events.num_rows
    given: dict[str, list[Any]] = {
        "n_stations": [known.get(name, 0) for name in events["event_id"].to_pylist()],
        "rms_s": [0.0] * events.num_rows,
        "edge": [False] * events.num_rows,
        "design": [_DESIGN] * events.num_rows,
        "rejected": [None] * events.num_rows,
        "magnitude_type": ["Mw"] * events.num_rows,
        "gap_deg": nothing,
        "dmin_km": nothing,
    }
    return _with_columns(events, given, EVENTS)


def _as_arrivals(arrivals: pa.Table) -> pa.Table:
    return _with_columns(arrivals, {"residual_s": [0.0] * arrivals.num_rows}, ARRIVALS)


def _as_picks(arrivals: pa.Table) -> pa.Table:
    given: dict[str, list[Any]] = {
        "confidence": [float("nan")] * arrivals.num_rows,
        "design": [_DESIGN] * arrivals.num_rows,
    }
    return _with_columns(arrivals, given, PICKS)


def _with_columns(table: pa.Table, given: dict[str, list[Any]], schema: pa.Schema) -> pa.Table:
    """Return the columns of a schema that are in the table or given."""
    names = [name for name in schema.names if name in given or name in table.column_names]
    columns = [
        pa.array(given[name], schema.field(name).type) if name in given else table[name]
        for name in names
    ]
    return pa.table(columns, names=names)
