"""NonLinLoc's hypocenter-phase file (``.hyp``): located events with their uncertainty.

After the description at http://alomax.net/nlloc, Formats, Location Files, in the layout of
NonLinLoc 6 with prior weights.  Coordinates of an event are azimuthal equidistant about its
epicenter, so that those of a station follow from distance and azimuth.  What epicat does not have,
such as the maximum of a probability density, is -1, as NonLinLoc writes what is unknown.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from statistics import median
from typing import IO

import numpy as np
import pyarrow as pa

from epicat.export.labels import Labels, Place
from epicat.export.origin import Ellipsoid, Errors, Origin, ellipsoid_axes, is_used
from epicat.export.quakeml_elements import uri
from epicat.export.quakes import Part, Quake, Written
from epicat.export.stream import quakes
from epicat.model import Arrival
from epicat.time import SECOND_NS, iso

__all__ = ["write_nonlinloc_hyp"]

_PHASES = (
    "PHASE ID Ins Cmp On Pha  FM Date     HrMn   Sec     Err  ErrMag    Coda      Amp       Per  "
    "PriorWt  >   TTpred    Res       Weight    StaLoc(X  Y         Z)        SDist    SAzim  "
    "RAz  RDip RQual    Tcorr\n"
)
_TICK_NS = 100_000
"""Arrival times have four decimals of a second."""


def write_nonlinloc_hyp(
    parts: Iterable[Part], stations: pa.Table, file: IO[str], *companions: IO[str]
) -> Written:
    """Write a block for each located event; events without a location are left out."""
    del companions
    labels = Labels(stations)
    events = arrivals = left_out = 0
    for quake in quakes(parts):
        origin = quake.located
        if origin is None or origin.errors is None:
            left_out += 1
            continue
        file.writelines(_head(quake, origin, origin.errors))
        file.writelines(_phases(origin, labels))
        file.write("END_PHASE\nEND_NLLOC\n\n")
        events += 1
        arrivals += len(origin.arrivals)
    missing = f"{left_out} event(s) without a location are left out" if left_out else ""
    return Written(events, arrivals, (*labels.notes(), *filter(None, [missing])))


def _head(quake: Quake, origin: Origin, errors: Errors) -> Iterable[str]:
    """Return the lines before those of the arrivals."""
    latitude, longitude, depth = origin.latitude, origin.longitude, origin.depth_km
    place = f"{latitude:z.6f} Long {longitude:z.6f} Depth {depth:z.6f}"
    seconds = origin.time_ns // 1000 % 60_000_000 / 1e6
    date = datetime.fromtimestamp(origin.time_ns // SECOND_NS, UTC)
    status = "REJECTED" if quake.rejected else "LOCATED"
    # Without the time of writing: the same results give the same bytes.
    signature = f"epicat   epicat:{version('epicat')} 01Jan1970 00h00m00"
    return (
        f'NLLOC "{quake.event_id}" "{status}" "Quality class {errors.quality}"\n',
        f"PUBLIC_ID {uri('event', quake.event_id)}\n",
        f'SIGNATURE "{signature}"\n',
        f'COMMENT "location {origin.method}"\n',
        f"GRID  1 1 1  0 0 {depth:z.6f}  0 0 0 PROB_DENSITY\n",
        "SEARCH epicat\n",
        f"HYPOCENTER  x 0 y 0 z {depth:z.6f}  OT {seconds:.6f}  ix -1 iy -1 iz -1\n",
        f"GEOGRAPHIC  OT {date:%Y %m %d  %H %M} {seconds:.6f}  Lat {place}\n",
        f"QUALITY  Pmax -1 MFmin -1 MFmax -1 RMS {origin.rms_s:.6f} Nphs {len(origin.arrivals)} "
        f"Gap {origin.gap_deg:.3f} Dist {origin.dmin_km:.4f} Mamp {_size(quake)} Mdur  -9.9 0\n",
        "VPVSRATIO  VpVsRatio -1  Npair 0  Diff -1\n",
        _statistics(depth, errors),
        f"STAT_GEOG  ExpectLat {place}\n",
        f"TRANSFORM  AZIMUTHAL_EQUIDIST RefEllipsoid WGS-84  LatOrig {latitude:z.6f}  "
        f"LongOrig {longitude:z.6f}  RotCW 0.000000\n",
        _quality(origin, errors),
        f"QML_OriginUncertainty  horUnc -1  minHorUnc {errors.minor_km:.6g}  "
        f"maxHorUnc {errors.major_km:.6g}  azMaxHorUnc {errors.azimuth_deg:.4f}\n",
        _ellipsoid(errors),
        f"FOCALMECH  Hyp  {latitude:z.6f} {longitude:z.6f} {depth:z.6f} "
        "Mech  0 0 0 mf  0 nObs -1\n",
    )


def _size(quake: Quake) -> str:
    return " -9.9 0" if quake.magnitude is None else f"{quake.magnitude:z.2f} 1"


def _statistics(depth_km: float, errors: Errors) -> str:
    """Return expectation, covariance, and the ellipsoid by its two shorter axes and lengths."""
    cov = errors.covariance_km2
    elements = " ".join(
        f"{name} {cov[i, j]:z.6g}"
        for name, i, j in (("CovXX", 0, 0), ("XY", 0, 1), ("XZ", 0, 2), ("YY", 1, 1),
                           ("YZ", 1, 2), ("ZZ", 2, 2))
    )  # fmt: skip
    lengths, axes = ellipsoid_axes(cov)
    angles = []
    for north, east, down in axes[:, :2].T:
        azimuth = math.degrees(math.atan2(east, north)) % 360
        angles.append((azimuth, math.degrees(math.asin(min(max(float(down), -1.0), 1.0)))))
    (azimuth1, dip1), (azimuth2, dip2) = angles
    return (
        f"STATISTICS  ExpectX 0 Y 0 Z {depth_km:z.6f}  {elements} EllAz1  {azimuth1:.4f} "
        f"Dip1  {dip1:z.4f} Len1  {lengths[0]:.6g} Az2  {azimuth2:.4f} Dip2  {dip2:z.4f} "
        f"Len2  {lengths[1]:.6g} Len3  {lengths[2]:.6g}\n"
    )


def _quality(origin: Origin, errors: Errors) -> str:
    used = [a for a in origin.arrivals if is_used(a)]
    distances = sorted(a.distance_km for a in origin.arrivals) or [-1.0]
    sites = len({a.trace_id.rpartition(".")[0] for a in used})
    return (
        f"QML_OriginQuality  assocPhCt {len(origin.arrivals)}  usedPhCt {len(used)}  "
        f"assocStaCt {origin.n_stations}  usedStaCt {sites}  depthPhCt -1  "
        f"stdErr {origin.rms_s:.6f}  azGap {origin.gap_deg:.3f}  "
        f"secAzGap {errors.secondary_gap_deg:.3f}  gtLevel -  minDist {distances[0]:.4f} "
        f"maxDist {distances[-1]:.4f} medDist {median(distances):.4f}\n"
    )


def _ellipsoid(errors: Errors) -> str:
    solid = Ellipsoid.from_covariance(errors.covariance_km2)
    return (
        f"QML_ConfidenceEllipsoid  semiMajorAxisLength {solid.major_km:.6g}  "
        f"semiMinorAxisLength {solid.minor_km:.6g}  "
        f"semiIntermediateAxisLength {solid.intermediate_km:.6g}  "
        f"majorAxisPlunge {solid.plunge_deg:.4f}  majorAxisAzimuth {solid.azimuth_deg:.4f}  "
        f"majorAxisRotation {solid.rotation_deg:z.4f}\n"
    )


def _phases(origin: Origin, labels: Labels) -> Iterable[str]:
    """Yield the lines of the arrivals; their weights add up to their number."""
    yield _PHASES
    given = [(a.inlier_probability or 0.0) / (a.sigma_s or 1.0) ** 2 for a in origin.arrivals]
    mean = float(np.mean(given)) if given and any(given) else 1.0
    for arrival, weight in zip(origin.arrivals, given, strict=True):
        place = labels.at(arrival.trace_id, arrival.time_ns)
        yield _phase(arrival, place, origin.time_ns, weight / mean)


def _phase(arrival: Arrival, place: Place, origin_ns: int, weight: float) -> str:
    ticks = (arrival.time_ns + _TICK_NS // 2) // _TICK_NS
    time = iso(ticks * _TICK_NS)
    date, clock, second = time[:10].replace("-", ""), time[11:13] + time[14:16], time[17:24]
    term = arrival.term_s or 0.0
    predicted = (arrival.time_ns - origin_ns) / SECOND_NS - term - arrival.residual_s
    azimuth = math.radians(arrival.azimuth_deg)
    x, y = arrival.distance_km * math.sin(azimuth), arrival.distance_km * math.cos(azimuth)
    # The quality of a take-off angle is 0 (unreliable) to 10 (best).
    dip, quality = (-1.0, 0) if arrival.takeoff_deg is None else (arrival.takeoff_deg, 9)
    return (
        f"{place.label:<6} ?    {arrival.band or '?':<4} ? {arrival.phase:<6} ? {date} {clock} "
        f"{second:>9} GAU {arrival.sigma_s or -1:9.2e} {-1:9.2e} {-1:9.2e} {-1:9.2e} {1:9.4f} > "
        f"{predicted:9.4f} {arrival.residual_s:z9.4f} {weight:9.4f} {x:z9.4f} {y:z9.4f} "
        f"{-place.elevation_m / 1000:z9.4f} {arrival.distance_km:9.4f} {arrival.azimuth_deg:6.2f} "
        f"{arrival.azimuth_deg:5.1f} {dip:5.1f} {quality:2d} {term:z9.4f}\n"
    )
