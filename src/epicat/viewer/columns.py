"""The tables of the page: small integers with a unit, so that a million events fit into memory.

A column of integers has the metadata ``scale``: the value of one step, for example ``1e-05`` for
degrees with five decimals.  Places and times have the decimals of the CSV export.  A null is an
unknown value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

__all__ = [
    "ARRIVALS",
    "ASSOCIATED",
    "EVENTS",
    "MAGNITUDE_READINGS",
    "READINGS",
    "STATION_MAGNITUDES",
    "in_planes",
    "pack_column",
]


def _scaled(name: str, kind: pa.DataType, scale: float) -> pa.Field:
    return pa.field(name, kind, metadata={"scale": repr(scale)})


_CODE = pa.dictionary(pa.int16(), pa.string())
_TIME = pa.timestamp("us", tz="UTC")

EVENTS: Final = pa.schema(
    [
        pa.field("event_id", pa.string()),
        pa.field("time", _TIME),
        _scaled("latitude", pa.int32(), 1e-5),
        _scaled("longitude", pa.int32(), 1e-5),
        _scaled("depth_km", pa.int32(), 1e-3),
        _scaled("magnitude", pa.int16(), 1e-2),
        pa.field("magnitude_type", _CODE),
        pa.field("n_p", pa.int16()),
        pa.field("n_s", pa.int16()),
        pa.field("n_stations", pa.int16()),
        _scaled("rms_s", pa.int16(), 1e-3),
        _scaled("gap_deg", pa.int16(), 1e-1),
        _scaled("dmin_km", pa.int32(), 1e-2),
        pa.field("quality", _CODE),
        _scaled("major_km", pa.int32(), 1e-2),
        _scaled("minor_km", pa.int32(), 1e-2),
        _scaled("azimuth_deg", pa.int16(), 1.0),
        _scaled("depth_error_km", pa.int32(), 1e-2),
        _scaled("cov_ez_km2", pa.int32(), 1e-4),
        _scaled("time_error_s", pa.int16(), 1e-3),
        pa.field("edge", pa.uint8()),
        pa.field("depth_fixed", pa.uint8()),
        pa.field("rejected", _CODE),
        pa.field("unmet", _CODE),
    ]
)
"""Events: the located place where there is one, else that of the association.

``quality`` is the class of the location.  The ellipse and the errors have a confidence of 68 %;
they are null for events without a location.  ``cov_ez_km2`` is the covariance of east and depth,
which tilts the ellipse of the vertical section.  ``unmet`` is the criterion of an event that its
located picks no longer meet.
"""

ASSOCIATED: Final = pa.schema(
    [
        pa.field("event", pa.int32()),
        pa.field("time", _TIME),
        _scaled("latitude", pa.int32(), 1e-5),
        _scaled("longitude", pa.int32(), 1e-5),
        _scaled("depth_km", pa.int32(), 1e-3),
    ]
)
"""Places of the association of events that were located; ``event`` is the row of the event."""

ARRIVALS: Final = pa.schema(
    [
        pa.field("event", pa.int32()),
        pa.field("trace_id", _CODE),
        pa.field("phase", _CODE),
        pa.field("time", _TIME),
        _scaled("confidence", pa.int16(), 1e-3),
        _scaled("residual_s", pa.int32(), 1e-3),
        _scaled("term_s", pa.int32(), 1e-3),
        _scaled("weight", pa.int16(), 1e-3),
        _scaled("distance_km", pa.int32(), 1e-3),
        _scaled("azimuth_deg", pa.int16(), 1.0),
        pa.field("added", pa.uint8()),
        pa.field("polarity", pa.int16()),
    ]
)
"""Arrivals: ``event`` is the row of the event; ``weight`` is the probability of being no outlier.

``term_s`` and ``weight`` are null for events without a location.  ``polarity`` of a P arrival is 1
up, -1 down and 0 undecided; null where none was measured.
"""

STATION_MAGNITUDES: Final = pa.schema(
    [
        pa.field("event", pa.int32()),
        pa.field("trace_id", _CODE),
        _scaled("value", pa.int16(), 1e-2),
        pa.field("is_bound", pa.uint8()),
        _scaled("weight", pa.int16(), 1e-3),
        _scaled("distance_km", pa.int32(), 1e-2),
        pa.field("flag", _CODE),
    ]
)
"""Station magnitudes; ``distance_km`` is hypocentral, ``flag`` says why one is not used."""

READINGS: Final = pa.schema(
    [
        pa.field("event", pa.int32()),
        pa.field("station", _CODE),
        pa.field("phase", _CODE),
        pa.field("time", _TIME),
        _scaled("residual_s", pa.int32(), 1e-3),
        _scaled("distance_km", pa.int32(), 1e-3),
    ]
)
"""What statistics need of arrivals; ``event`` is the row of the event, ``station`` ``NET.STA``."""

MAGNITUDE_READINGS: Final = pa.schema(
    [
        pa.field("event", pa.int32()),
        pa.field("station", _CODE),
        pa.field("time", _TIME),
        _scaled("residual", pa.int16(), 1e-2),
        _scaled("distance_km", pa.int32(), 1e-2),
    ]
)
"""Station magnitudes that were used, minus those of their events; the distance is hypocentral."""

_LIMITS: Final[Mapping[pa.DataType, tuple[int, int]]] = {
    kind: (int(np.iinfo(kind.to_pandas_dtype()).min), int(np.iinfo(kind.to_pandas_dtype()).max))
    for kind in (pa.uint8(), pa.int16(), pa.int32())
}


def pack_column(values: pa.ChunkedArray | pa.Array, field: pa.Field) -> pa.Array:
    """Return a column of a table of results as a column of the page.

    Values outside the range of the type become its limits, numbers that are not finite null.
    """
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if pa.types.is_dictionary(field.type):
        return _coded(values, field.type)
    if pa.types.is_timestamp(field.type):
        return values.cast(field.type, safe=False)
    if not pa.types.is_integer(field.type):
        return values.cast(field.type)
    return _whole_numbers(values, field)


def in_planes(table: pa.Table) -> pa.Table:
    """Return a table whose numbers are stored plane by plane, which compresses a quarter better.

    The buffer of such a column has first the lowest byte of each value, then the next one, and so
    on (like Parquet's BYTE_STREAM_SPLIT); its field has the metadata ``planes``.
    """
    fields, columns = [], []
    for field, column in zip(table.schema, table.combine_chunks().columns, strict=True):
        planes: dict[bytes, bytes] = {}
        array = column.chunk(0) if column.num_chunks else pa.array([], field.type)
        if pa.types.is_primitive(field.type) and field.type.bit_width > 8 and len(array):
            array = _transposed(array)
            planes = {b"planes": b"1"}
        fields.append(field.with_metadata({**(field.metadata or {}), **planes}))
        columns.append(array)
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def _transposed(array: pa.Array) -> pa.Array:
    width = array.type.bit_width // 8
    array = pa.concat_arrays([array]) if array.offset else array
    validity, values = array.buffers()
    planes = np.frombuffer(values, np.uint8)[: len(array) * width].reshape(-1, width).T
    return pa.Array.from_buffers(array.type, len(array), [validity, pa.py_buffer(planes.tobytes())])


def _coded(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return texts as a dictionary; beyond the range of its keys, the rarest texts are unknown."""
    coded = values.cast(pa.string()).dictionary_encode()
    most = _LIMITS[kind.index_type][1]
    if len(coded.dictionary) <= most:
        return coded.cast(kind)
    counts = pc.value_counts(values).sort(order="descending", by="counts")
    kept = counts.field("values").slice(0, most)
    return pc.if_else(pc.is_in(values, value_set=kept), values, None).dictionary_encode().cast(kind)


def _whole_numbers(values: pa.Array, field: pa.Field) -> pa.Array:
    scale = float((field.metadata or {}).get(b"scale", b"1"))
    numbers = np.asarray(values.cast(pa.float64()).to_numpy(zero_copy_only=False))
    known = np.isfinite(numbers)
    low, high = _LIMITS[field.type]
    steps = np.clip(np.where(known, numbers, 0.0), low * scale, high * scale) / scale
    mask = None if known.all() else ~known
    return pa.array(np.rint(steps).astype(field.type.to_pandas_dtype()), field.type, mask=mask)
