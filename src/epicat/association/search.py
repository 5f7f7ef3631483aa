"""Call PyOcto's core on arrays: no data frames, and everything built once.

PyOcto's Python wrapper converts stations and configuration again in each call and joins data
frames around it, which costs as much as the search of a quiet slice.  Its core takes numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epicat.association.search_tables import SearchTables, SpeedModels

__all__ = ["Found", "Search", "SearchInput", "SearchSites"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_OF_THE_MODEL = ("tolerance", "association_cutoff_distance")
_UNUSED_STD_S = 1e12
"""PyOcto computes its exponential loss even where it is not used; exp(0) is the fastest."""
_LOCATION_NODE = 0.2
"""Smallest node of PyOcto's location over that of its search, at least: travel times within it
differ by less than the picks that it has to match may."""


@dataclass(frozen=True, slots=True)
class SearchInput:
    """Picks as columns, in the order of time, shape (picks,) each."""

    time_s: F64
    """Seconds after some moment."""
    site: I64
    """Number of the site."""
    phase: NDArray[np.uint8]
    """``ord("P")`` or ``ord("S")``."""

    def take(self, rows: I64) -> SearchInput:
        """Return some of the picks."""
        return SearchInput(self.time_s[rows], self.site[rows], self.phase[rows])

    def __len__(self) -> int:
        return len(self.time_s)


@dataclass(frozen=True, slots=True)
class Found:
    """An event of PyOcto."""

    time_s: float
    """Origin time, on the clock of the picks."""
    place_km: tuple[float, float, float]
    """East, north and depth in the plane."""
    rows: I64
    """Rows of its picks, shape (n,)."""
    residual_s: F64
    """Observed minus predicted time of each, shape (n,)."""


@dataclass(frozen=True, slots=True)
class SearchSites:
    """Sites of a search: numbers of sites elsewhere are not known to it."""

    names: tuple[str, ...]
    """Names."""
    place_km: F64
    """East, north and depth, shape (sites, 3)."""


class Search:
    """One configuration of PyOcto, for one list of sites."""

    def __init__(
        self,
        sites: SearchSites,
        box_km: tuple[tuple[float, float], ...],
        pyocto: dict[str, Any],
        speed: tuple[float, float] | SearchTables,
    ) -> None:
        """Build the search of the box ``box_km``: its sides in x, y and depth.

        ``pyocto`` has PyOcto's parameters, and ``speed`` constant P and S velocities or the
        tables of the sites.
        """
        from pyocto import OctoAssociator

        x_km, y_km, z_km = box_km
        models = _models(sites, z_km, pyocto, speed)
        self._top_km = models.top_km
        # Each call gets one slice, which must be one for PyOcto, too.
        whole = pyocto["time_slicing"] + 2 * pyocto["time_before"] + 1
        parameters = {k: v for k, v in pyocto.items() if k not in _OF_THE_MODEL}
        # The matcher leaves out far picks, once an event: PyOcto would in each node.
        parameters["min_pick_fraction"] = 0.0
        # Each event is located again, from here, and doubles are told by their picks.
        parameters["min_node_size_location"] = max(
            pyocto["min_node_size_location"], _LOCATION_NODE * pyocto["min_node_size"]
        )
        parameters["min_interevent_time"] = -1.0
        if not pyocto["exponential_edt"]:
            parameters["edt_pick_std"] = _UNUSED_STD_S
        # PyOcto's objects hold pointers to each other: all must stay.
        self._octo = OctoAssociator(
            x_km,
            y_km,
            (z_km[0] - models.top_km, z_km[1] - models.top_km),
            velocity_model=_Built(models.search),
            velocity_model_location=_Built(models.location),
            n_threads=1,
            **{**parameters, "time_slicing": whole},
        )
        second = pyocto.get("second_pass_overwrites")
        self._configs = [self._octo._build_config([])]
        if second:
            again = self._octo._build_config([], second_pass=True)
            self._configs += [again] * int(second.get("iterations", 1))
        self.least_picks = min(config.n_picks for config in self._configs)

    def find(self, picks: SearchInput) -> list[Found]:
        """Return the events of a slice.  Safe to call from several threads."""
        found: list[Found] = []
        left = np.arange(len(picks))
        for config in self._configs:
            more = list(_events(config, picks, left, self._top_km))
            if not more:
                break
            found += more
            used = np.concatenate([event.rows for event in more])
            left = np.setdiff1d(left, used, assume_unique=False)
        return found


class _Built:
    """What PyOcto takes for a velocity model and asks for its C++ counterpart."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def to_cpp(self, stations: Any) -> Any:
        """Return the model, which has its stations."""
        del stations
        return self._model


def _models(
    sites: SearchSites,
    z_km: tuple[float, float],
    pyocto: dict[str, Any],
    speed: tuple[float, float] | SearchTables,
) -> SpeedModels:
    from pyocto import VelocityModel0D, _core

    tolerance_s, cutoff_km = (pyocto[name] for name in _OF_THE_MODEL)
    if isinstance(speed, SearchTables):
        return speed.models(sites.place_km, z_km, tolerance_s, cutoff_km)
    stations = [
        _core.Station(name, *map(float, place), 0.0, 0.0)
        for name, place in zip(sites.names, sites.place_km, strict=True)
    ]
    model = VelocityModel0D(*speed, tolerance_s, cutoff_km).to_cpp(stations)
    return SpeedModels(model, model, 0.0)


def _events(config: Any, picks: SearchInput, rows: I64, top_km: float) -> Iterator[Found]:
    from pyocto import _core

    if len(rows) < config.n_picks:
        return
    columns = (picks.time_s[rows], picks.site[rows], picks.phase[rows])
    given = _core.create_picks(rows, *columns)
    for event in _core.OctoAssociator(config).associate(given):
        residual = np.array(event.residuals)
        is_there = np.isfinite(residual)  # a pick beyond the tables has none
        members = np.array([pick.idx for pick in event.picks], np.int64)[is_there]
        place = (float(event.x), float(event.y), float(event.z) + top_km)
        yield Found(float(event.time), place, members, residual[is_there])
