"""First arrivals of P and S in a layered Earth.

The model is divided into thin uniform slices, each as slow as the vertical travel time through it
says.  In a stack of uniform slices the first arrival is exactly the earliest of the direct ray
and the head waves (Shearer 2009, Introduction to Seismology, chapter 4; Aki and Richards 2002,
Quantitative Seismology, chapter 9), and the head waves of thin slices are the diving rays of the
gradient.  There is no grid, hence no numerical dispersion, and no triplication can be missed.
Spherical models are flattened first, see `epicat.velocity.flattening`.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epicat.velocity.flattening import NEAR_KM, flat_depth, flattened
from epicat.velocity.layers import LayerModel, Phase

__all__ = ["travel_time_tables", "travel_times"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_SLICE_ERROR_S = 1e-3
"""Bound for what one slice adds to a time through a gradient, in seconds; half of it is seen."""
_SPHERICAL_SLICE_ERROR_S = 5e-3
"""The same in spherical models beyond `NEAR_KM`, little beside their other errors."""
_DECIMALS = 9
"""Depths in km that agree to this many decimals are the same."""
_BEYOND = 1 + 1e-9
"""How much farther than where two lines cross one of them is surely earlier."""
_KNOT_STEP = 0.05
"""Step between rays, in asinh(q) of `_rays`; leaves an error of 5e-8 of the time."""


@dataclass(frozen=True, slots=True)
class _Stack:
    """Uniform slices, and the edges between them where the sources and the points stand.

    Edge ``i`` is the near side of slice ``i``; the first and last slice stand for half spaces.
    """

    thickness: F64
    """Thickness of each slice in km, shape (n,)."""
    velocity: F64
    """Velocity of each slice in km/s, shape (n,)."""
    sources: I64
    """Edges of the sources, shape (ns,), rising."""
    points: I64
    """Edges of the points, shape (nz,), rising."""

    def mirrored(self) -> _Stack:
        """Return the stack upside down."""
        n = len(self.velocity)
        sources, points = n - self.sources[::-1], n - self.points[::-1]
        return _Stack(self.thickness[::-1], self.velocity[::-1], sources, points)


def travel_times(
    model: LayerModel, phase: Phase, station_depth_km: float, distance_km: F64, depth_km: F64
) -> F64:
    """First-arrival times in seconds, shape (nx, nz), between a station and a grid of points.

    ``distance_km`` (nx,) are horizontal distances, not negative, ``depth_km`` (nz,) depths in km
    below sea level in any order.  Station and points may lie anywhere, also above the model.
    The error is below 5e-8 of the time in uniform layers, and below 0.5 ms where velocity changes
    with depth.  Times are continuous in distance and never decrease with it.  In spherical models
    distances are along the surface at sea level, and errors are below 3 ms up to 300 km, 0.1 s up
    to 2,000 km.
    """
    stations = np.array([station_depth_km], dtype=float)
    return np.asarray(travel_time_tables(model, phase, stations, distance_km, depth_km)[0])


def travel_time_tables(
    model: LayerModel, phase: Phase, station_depth_km: F64, distance_km: F64, depth_km: F64
) -> F64:
    """Return `travel_times` of several stations, shape (stations, nx, nz).

    A ray from a point to one station passes those below it: several stations take little longer
    than one, at which the last bit may differ.
    """
    slice_error_s = _SLICE_ERROR_S
    if model.spherical:
        farthest = float(np.max(distance_km, initial=0.0))
        if farthest > NEAR_KM:
            slice_error_s = _SPHERICAL_SLICE_ERROR_S
        deepest = max(float(np.max(depth_km, initial=0.0)), float(station_depth_km.max()))
        model = flattened(model, deepest, farthest)
        station_depth_km, depth_km = flat_depth(station_depth_km), flat_depth(depth_km)
    station, of_station = np.unique(station_depth_km, return_inverse=True)
    distance, column = np.unique(np.asarray(distance_km, dtype=float), return_inverse=True)
    depth, row = np.unique(np.asarray(depth_km, dtype=float), return_inverse=True)
    slices = _slice_edges(model, phase, slice_error_s)
    if len(station) == 1:
        times = _first_arrivals(_stack(model, phase, slices, (station, depth)), distance)
    else:
        from_points = _first_arrivals(_stack(model, phase, slices, (depth, station)), distance)
        times = from_points.swapaxes(0, 1)
    found = times[of_station][:, row][:, :, column]
    return np.ascontiguousarray(found.swapaxes(1, 2))


def _stack(model: LayerModel, phase: Phase, slices: F64, places: tuple[F64, F64]) -> _Stack:
    """Return slices with edges at the depths of the model's slices, the sources and the points."""
    sources, points = places
    ends = np.round(np.concatenate([sources, points]), _DECIMALS)
    inner = np.union1d(slices, ends)
    edges = np.concatenate([inner[:1] - 1.0, inner, inner[-1:] + 1.0])
    at = np.searchsorted(edges, ends)
    # Where a source or a point is inside a slice of the model, both parts have its velocity.
    whole = np.concatenate([edges[:1], slices, edges[-1:]])
    part_of = np.searchsorted(whole, edges[:-1], side="right") - 1
    velocity = _slice_velocity(model, phase, whole)[part_of]
    return _Stack(np.diff(edges), velocity, at[: len(sources)], at[len(sources) :])


def _slice_edges(model: LayerModel, phase: Phase, error_s: float) -> F64:
    """Depths in km at which a slice must begin for the sake of the model alone, rising."""
    depth = np.array(model.depth_km)
    if model.constant:
        return np.asarray(np.unique(np.round(depth, _DECIMALS)))
    velocity = model.velocity(depth, phase)
    layers = ((depth[i : i + 2], velocity[i : i + 2]) for i in range(len(depth) - 1))
    pieces = [np.linspace(z[0], z[1], _pieces(z, v, error_s) + 1) for z, v in layers]
    return np.asarray(np.unique(np.round(np.concatenate([depth, *pieces]), _DECIMALS)))


def _pieces(depth: F64, velocity: F64, error_s: float) -> int:
    """Return the number of slices of a layer with a gradient.

    A ray that turns in a slice of thickness h stays in it over sqrt(8 h v / v'), at a velocity
    that is wrong by at most h v' / 2: an error below sqrt(2 h v' / v) h / v seconds.
    """
    slowest = float(velocity.min())
    contrast = float(np.ptp(velocity)) / slowest
    error = math.sqrt(2 * contrast) * float(np.ptp(depth)) / slowest
    return max(1, math.ceil(float(np.power(error / error_s, 2 / 3))))


def _slice_velocity(model: LayerModel, phase: Phase, edges: F64) -> F64:
    """Thickness over vertical travel time, km/s: exact, as no slice spans a node."""
    if model.constant:
        return model.velocity((edges[:-1] + edges[1:]) / 2, phase)
    velocity = model.velocity(edges, phase)
    change = np.diff(velocity) / velocity[:-1]
    safe = np.where(change == 0, 1.0, change)
    mean = np.where(change == 0, 1.0, safe / np.log1p(safe))
    return np.asarray(velocity[:-1] * mean)


def _first_arrivals(stack: _Stack, distance: F64) -> F64:
    """Return first-arrival times in s, shape (ns, nz, nx)."""
    times = np.full((len(stack.sources), len(stack.points), len(distance)), np.inf)
    ways = ((times, stack), (times[::-1, ::-1], stack.mirrored()))
    for part, seen in ways:
        _set_direct_waves(part, seen, distance)
    for part, seen in ways:
        _lower_to_head_waves(part, seen, distance)
    return times


def _set_direct_waves(times: F64, stack: _Stack, distance: F64) -> None:
    """Set ``times`` (ns, nz, nx) to points beyond the sources, in place, to rays that never turn.

    At the depth of the source there is none.
    """
    reach = distance.max(initial=0.0)
    for source, rows in zip(stack.sources.tolist(), times, strict=True):
        first = int(np.searchsorted(stack.points, source, side="right"))
        thickness, velocity = stack.thickness[source:], stack.velocity[source:]
        crossed = stack.points[first:] - source
        fastest = np.maximum.accumulate(velocity)[crossed - 1]
        starts = np.flatnonzero(np.diff(fastest, prepend=0.0))
        for low, high in itertools.pairwise([*starts.tolist(), len(crossed)]):
            x, t, slope = _rays(thickness, velocity, crossed[low:high], reach)
            for row in range(high - low):
                rows[first + low + row] = _hermite(distance, x[row], t[row], slope)


def _rays(thickness: F64, velocity: F64, crossed: I64, reach: float) -> tuple[F64, F64, F64]:
    """Return distances and times (n, rays) of rays across slices, and slownesses (rays,) in s/km.

    Row i is for the first ``crossed[i]`` slices; the fastest slice is the same in all rows, and
    the distances are from 0 to ``reach`` at least.  The rays are ordered by the tangent q of their
    angle from the vertical in the fastest slice, which keeps grazing rays apart where the ray
    parameter p does not.  As dT/dX = p, the time between two rays is a cubic with known slopes.
    """
    least, most = int(crossed[0]), int(crossed[-1])
    distinct, kind = np.unique(velocity[:most], return_inverse=True)
    fastest, ratio = distinct[-1], distinct / distinct[-1]
    in_all = np.bincount(kind[:least], thickness[:least], len(distinct))
    q = _tangents(reach / in_all[-1])
    inverse = 1 / np.sqrt(1 + np.outer(1 - ratio**2, q**2))
    hypotenuse = np.sqrt(1 + q**2)
    part, beyond = thickness[least:most], kind[least:most]
    sums = []
    for factor in (ratio, 1 / distinct):
        first = _over_slices(inverse, in_all * factor)
        steps = inverse[beyond] * (part * factor[beyond])[:, None]
        sums.append(np.cumsum(np.concatenate([first[None], steps]), axis=0)[crossed - least])
    return q * sums[0], hypotenuse * sums[1], q / hypotenuse / fastest


def _over_slices(inverse: F64, weight: F64) -> F64:
    """Return ``weight @ inverse``, summed in one order: slice after slice.

    That of BLAS depends on its number of threads, and so would the last bit of every location.
    """
    return np.asarray((inverse * weight[:, None]).sum(axis=0))


def _tangents(largest: float) -> F64:
    end = math.asinh(largest) + _KNOT_STEP
    return np.asarray(np.sinh(np.linspace(0, end, math.ceil(end / _KNOT_STEP) + 1)))


def _hermite(at: F64, x: F64, y: F64, slope: F64) -> F64:
    """Cubic interpolation of y(x) with known slopes, x rising."""
    i = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(x) - 2)
    width = x[i + 1] - x[i]
    s = (at - x[i]) / width
    rise = y[i + 1] - y[i]
    start, end = width * slope[i] - rise, rise - width * slope[i + 1]
    return np.asarray(y[i] + s * rise + s * (1 - s) * (start * (1 - s) + end * s))


def _lower_to_head_waves(times: F64, stack: _Stack, distance: F64) -> None:
    """Lower ``times`` (ns, nz, nx), in place, to the head waves along slices beyond both ends."""
    waves = _HeadWaves.from_stack(stack)
    for i, rows in enumerate(times):
        waves.of_source(i).lower(rows, distance)


@dataclass(frozen=True, slots=True)
class _HeadWaves:
    """Head waves along n slices: the time is a line over distance from the critical one on."""

    velocity: F64
    """Velocity of each slice in km/s, shape (n,)."""
    to_sources: F64
    """Intercept times in s and horizontal reach in km of the legs to sources, (2, n, ns).

    Infinite where a leg would pass a slice that is not slower."""
    to_points: F64
    """The same of the legs to points, (2, n, nz)."""

    @classmethod
    def from_stack(cls, stack: _Stack) -> _HeadWaves:
        """Collect the slices along which a wave from one of the sources can run."""
        lids, sources = _lids(stack.velocity), stack.sources
        begin, end = np.searchsorted(sources, np.array([lids, range(1, len(lids) + 1)]))
        along = np.flatnonzero(begin < end).tolist()
        to_sources, to_points = (
            np.full((2, len(along), len(places)), np.inf) for places in (sources, stack.points)
        )
        for row, k in enumerate(along):
            legs = _legs(stack, lids[k], k)
            for places, to in ((sources, to_sources), (stack.points, to_points)):
                low, high = np.searchsorted(places, [lids[k], k + 1])
                to[:, row, low:high] = legs[:, places[low:high] - lids[k]]
        return cls(stack.velocity[along], to_sources, to_points)

    def of_source(self, i: int) -> _Lines:
        """Return the lines of one source."""
        leg = self.to_sources[:, :, i]
        use = np.isfinite(leg[0])
        return _Lines(self.velocity[use], *(leg[:, use, None] + self.to_points[:, use]))


@dataclass(frozen=True, slots=True)
class _Lines:
    """Head waves of one source to points, those along faster slices later."""

    velocity: F64
    """Velocities in km/s, the inverse of the slopes, shape (n,), rising."""
    intercept: F64
    """Intercept times in s, shape (n, nz); infinite where there is no such wave."""
    critical: F64
    """Distances in km from which on there is a wave, shape (n, nz)."""

    def lower(self, times: F64, distance: F64) -> None:
        """Lower ``times`` (nz, nx) to the lines, in place."""
        near = np.searchsorted(distance, self.critical.min(axis=1, initial=np.inf))
        far = np.searchsorted(distance, self._ends(), side="right")
        for k in np.flatnonzero(near < far):
            x, part = distance[near[k] : far[k]], times[:, near[k] : far[k]]
            head = self.intercept[k, :, None] + x / self.velocity[k]
            np.minimum(part, head, out=part, where=x >= self.critical[k, :, None])

    def _ends(self) -> F64:
        """Return the distances beyond which the next line is earlier at all points, shape (n,)."""
        with np.errstate(invalid="ignore"):
            gain = -np.diff(1 / self.velocity)
            crossing = np.diff(self.intercept, axis=0) / gain[:, None]
        end = np.maximum(crossing, self.critical[1:]) * _BEYOND
        exists = np.isfinite(self.intercept[:-1])
        return np.append(np.where(exists, end, 0.0).max(axis=1, initial=0.0), np.inf)


def _lids(velocity: F64) -> list[int]:
    """For each slice the furthest edge from which a head wave along it can start.

    Every slice between that edge and the slice is slower.
    """
    lids: list[int] = []
    for k, v in enumerate(velocity):
        edge = k
        while edge > 0 and velocity[edge - 1] < v:
            edge = lids[edge - 1]
        lids.append(edge)
    return lids


def _legs(stack: _Stack, lid: int, k: int) -> F64:
    """Intercept times in s and horizontal reach in km of the legs from edges to slice k.

    Shape (2, k - lid + 1), for the edges lid to k (Shearer 2009, chapter 4, layered models).
    """
    thickness, velocity = stack.thickness[lid:k], stack.velocity[lid:k]
    sine = velocity / stack.velocity[k]
    cosine = np.sqrt((1 - sine) * (1 + sine))
    legs = np.zeros((2, k - lid + 1))
    np.cumsum((thickness * cosine / velocity)[::-1], out=legs[0, -2::-1])
    np.cumsum((thickness * sine / cosine)[::-1], out=legs[1, -2::-1])
    return legs
