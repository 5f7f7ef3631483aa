"""The tables of a known truth as Arrow schemas: the only place where their columns are named."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

__all__ = ["TRUE_ARRIVALS", "TRUE_EVENTS"]

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
ones without noise (NaN if none saw it), ``n_detectable`` the stations whose P was recorded with a
signal-to-noise ratio above 3."""

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
"""Arrivals at the first sensor of each station.  ``recorded`` tells whether the component that
shows it (Z for P, N or E for S) has data then, ``polarity`` is 1 for up and -1 for down."""
