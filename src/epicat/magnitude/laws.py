"""Magnitude laws: the distance correction of ML, by name or by coefficients."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from epicat.errors import InputError, NameChoiceError

__all__ = ["GAIN", "Component", "Law", "law_named", "law_names", "laws"]

F64 = NDArray[np.float64]
Component = Literal["mean", "maximum", "vertical"]
"""Mean of the logarithms of both horizontals, the larger horizontal, or the vertical."""

GAIN = 2080.0
"""Static magnification of the simulated Wood-Anderson seismograph (IASPEI 2013)."""
_NM = math.log10(1e6 / GAIN)
"""What a constant for nanometres of ground displacement gains for millimetres of the record."""


@dataclass(frozen=True, slots=True)
class Law:
    """ML = log10(A) + log_slope log10(R) + slope R + constant, and rarer terms.

    ``A`` is the zero-to-peak amplitude in millimetres on a Wood-Anderson seismograph, ``R`` the
    distance in kilometres.
    """

    name: str
    """Name, or the coefficients as text."""
    log_slope: float
    """Geometrical spreading."""
    slope: float
    """Anelastic attenuation, per km."""
    constant: float
    """Constant for millimetres."""
    component: Component = "mean"
    """Which amplitude the law was made for."""
    nearest_km: float = 0.0
    """Shortest distance that the law was made for."""
    farthest_km: float | None = None
    """Longest distance that the law was made for; None if its source states none."""
    distance: Literal["hypocentral", "epicentral"] = "hypocentral"
    """Which distance ``R`` is."""
    gain: float = GAIN
    """Magnification of the seismograph that the law was made for."""
    near_field: tuple[float, float] = (0.0, 0.0)
    """Amplitude and decay per km of an additional term ``a exp(-d R)``."""
    chebyshev: tuple[float, ...] = ()
    """Coefficients of Chebyshev polynomials 1, 2, ... of log10(R), scaled to -1 at the nearest
    distance of `chebyshev_km` and 1 at its farthest."""
    chebyshev_km: tuple[float, float] = (1.0, 10.0)
    """Between which distances the polynomials hold."""
    region: str = ""
    """Where the law was made."""
    source: str = ""
    """Publication."""

    def correction(self, distance_km: ArrayLike) -> F64:
        """Return ``-log10(A0)`` for amplitudes of gain 2080, at distances in km, any shape."""
        r = np.maximum(np.asarray(distance_km, dtype=np.float64), 0.1)
        near, decay = self.near_field
        value = self.log_slope * np.log10(r) + self.slope * r + self.constant
        value = value + math.log10(self.gain / GAIN)
        if near:
            value = value + near * np.exp(-decay * r)
        return self._with_polynomials(r, value) if self.chebyshev else value

    def _with_polynomials(self, r: F64, value: F64) -> F64:
        """Add the polynomials; below their range, a straight line in log10(R) (CISN)."""
        low, high = np.log10(self.chebyshev_km)
        z = 2 * (np.clip(np.log10(r), low, high) - low) / (high - low) - 1
        angle = np.arccos(z)
        for n, coefficient in enumerate(self.chebyshev, start=1):
            value = value + coefficient * np.cos(n * angle)
        nearest = self.chebyshev_km[0]
        if np.any(r < nearest):
            first, other = self.correction([nearest, _LINE_KM])
            slope = (other - first) / (math.log10(_LINE_KM) - low)
            value = np.where(r < nearest, first + slope * (np.log10(r) - low), value)
        return value

    def magnitude(self, amplitude_mm: ArrayLike, distance_km: ArrayLike) -> F64:
        """Return station magnitudes of amplitudes in mm (gain 2080) at distances in km."""
        return np.log10(np.asarray(amplitude_mm, dtype=np.float64)) + self.correction(distance_km)

    def holds(self, distance_km: ArrayLike) -> NDArray[np.bool_]:
        """Return whether distances in km lie in the range that the law was made for."""
        r = np.asarray(distance_km, dtype=np.float64)
        return (r >= self.nearest_km) & (r <= (self.farthest_km or math.inf))

    @property
    def range_text(self) -> str:
        """The range of distances, as text."""
        if self.farthest_km is None:
            return "not stated"
        return f"{self.nearest_km:g}-{self.farthest_km:g} km"

    @property
    def formula(self) -> str:
        """The distance correction as text."""
        terms = [f"{self.log_slope:g} log10(R)"]
        if self.slope:
            terms.append(f"{self.slope:+g} R")
        terms.append(f"{self.constant + math.log10(self.gain / GAIN):+.4g}")
        if self.near_field[0]:
            terms.append(f"{self.near_field[0]:+g} exp(-{self.near_field[1]:g} R)")
        if self.chebyshev:
            terms.append(f"+ {len(self.chebyshev)} Chebyshev polynomials")
        return " ".join(terms)


_LINE_KM = 60.0
"""The law of California continues to short distances with its mean slope from 8 to 60 km."""


def _anchored(name: str, at_km: float, log_slope: float, slope: float, value: float) -> Law:
    """Return a law given as ``log_slope log10(R / at) + slope (R - at) + value``."""
    constant = value - log_slope * math.log10(at_km) - slope * at_km
    return Law(name, log_slope, slope, constant)


_GREENFIELD = "Greenfield et al. 2018, coefficients as in QuakeMigrate"
_NMSOP = "as tabulated by Bormann 2012, NMSOP-2 DS 3.1"

_LAWS: tuple[Law, ...] = (
    Law(
        "iaspei", 1.11, 0.00189, -2.09 + _NM, farthest_km=1000,
        region="crust like that of Southern California",
        source="IASPEI 2013, Standard procedures for magnitude determination; Hutton & Boore 1987",
    ),
    replace(
        _anchored("hutton-boore", 100, 1.11, 0.00189, 3.0), nearest_km=10, farthest_km=700,
        region="Southern California",
        source="Hutton & Boore 1987, BSSA 77, 2074-2094",
    ),
    Law(
        "california", 1.11, 0.00189, 0.591 + 0.0054, nearest_km=1, farthest_km=500,
        chebyshev=(0.056, -0.031, -0.053, -0.080, -0.028, 0.015), chebyshev_km=(8, 500),
        region="Northern and Southern California (CISN)",
        source="Uhrhammer et al. 2011, BSSA 101, 2685-2693; coefficients as in CISN's CISN_mlAo",
    ),
    Law(
        "central-california", 1.0, 0.00301, 0.7, farthest_km=400,
        region="Central California",
        source="Bakun & Joyner 1984, BSSA 74, 1827-1843, doi:10.1785/BSSA0740051827",
    ),
    Law(
        "eastern-north-america", 1.55, 0.0, -0.22, nearest_km=100, farthest_km=800,
        distance="epicentral", region="Eastern North America",
        source=f"Kim 1998, {_NMSOP}",
    ),
    replace(
        _anchored("italy", 100, 1.667, 0.001736, 3.0),
        region="Italy, crustal events",
        source="Di Bona 2016, BSSA 106; coefficients as in INGV's PyML",
    ),
    Law(
        "southern-italy", 1.79, 0.0, -0.58,
        region="Irpinia", source="Bobbio, Vassallo & Festa 2009, BSSA 99, 2461-2470",
    ),
    replace(
        _anchored("iceland", 17, 1.2534, 0.0032, 2.0), farthest_km=150,
        region="Bardarbunga and Holuhraun, Iceland", source=_GREENFIELD,
    ),
    replace(
        _anchored("iceland-askja", 17, 1.4406, 0.003, 2.0), farthest_km=150,
        region="Askja, Iceland", source=_GREENFIELD,
    ),
    replace(
        _anchored("iceland-central", 17, 1.1999, 0.0016, 2.0), farthest_km=150,
        region="Askja and Bardarbunga together, Iceland", source=_GREENFIELD,
    ),
    Law(
        "uk", 1.11, 0.00189, -2.09 + _NM, near_field=(-1.16, 0.2), region="United Kingdom",
        source="Luckett et al. 2019, GJI 216, 1145-1156",
    ),
    Law(
        "norway", 0.91, 0.00087, 1.01, "vertical", farthest_km=1500,
        region="Norway and Fennoscandia", source=f"Alsaker et al. 1991, {_NMSOP}",
    ),
    Law(
        "southwest-germany", 1.11, 0.00095, 0.69, "vertical", nearest_km=10, farthest_km=1000,
        region="Baden-Wuerttemberg", source=f"Stange 2006, J. Seismol. 10, {_NMSOP}",
    ),
    Law(
        "groningen", 1.33, 0.00139, 0.424, farthest_km=80,
        region="Groningen gas field, Netherlands",
        source="Dost et al. 2018, coefficients as in qseek",
    ),
    Law(
        "albania", 1.6627, 0.0008, -0.433, nearest_km=10, farthest_km=600, distance="epicentral",
        region="Albania", source=f"Muco & Minga 1991, {_NMSOP}",
    ),
    replace(
        _anchored("azores", 100, 0.89, 0.00256, 3.0), nearest_km=10, farthest_km=800,
        distance="epicentral", region="Azores", source="Gongora et al. 2004, as in qseek",
    ),
    replace(
        _anchored("ethiopia", 17, 1.196997, 0.001066, 2.0), region="Main Ethiopian Rift",
        source="Keir et al. 2006, BSSA 96, coefficients as in QuakeMigrate",
    ),
    replace(
        _anchored("danakil", 17, 1.274336, -0.000273, 2.0), region="Danakil depression, Afar",
        source="Illsley-Kemp et al. 2017, BSSA 107, coefficients as in QuakeMigrate",
    ),
    replace(
        _anchored("tanzania", 17, 0.776, 0.000902, 2.0), region="Tanzania",
        source="Langston et al. 1998, BSSA 88, coefficients as in QuakeMigrate",
    ),
    Law(
        "new-zealand", 1.493, 0.001272, -0.2869, "vertical", farthest_km=2224, gain=2800.0,
        region="New Zealand (GeoNet's MLr, without its station corrections)",
        source="Ristau, Harte & Salichon 2016, BSSA 106, doi:10.1785/0120150293, as in SeisComP",
    ),
    Law(
        "south-australia", 1.1, 0.0013, 0.7, "vertical", nearest_km=40, farthest_km=700,
        distance="epicentral", region="South Australia",
        source=f"Greenhalgh & Singh 1986, {_NMSOP}",
    ),
    Law(
        "shanxi", 0.80, 0.00187, -1.4 + _NM, "vertical", farthest_km=600,
        region="Shanxi rift, North China", source="Li et al. 2015, J. Seismol. 19, 141-158",
    ),
    replace(
        _anchored("paletara", 17, 1.3541, 0.001639, 2.0), farthest_km=220,
        region="Paletara, Colombia",
        source="Raigosa & Londono 2018, doi:10.32685/0120-1425/boletingeo.44.2018.36",
    ),
)  # fmt: skip
_ALIASES = {
    "southern-california": "california",
    "northern-california": "california",
    "greenfield": "iceland",
    "bardarbunga": "iceland",
}
_COMPONENTS: tuple[Component, ...] = ("mean", "maximum", "vertical")


def laws() -> tuple[Law, ...]:
    """Return all laws with a name, in the order of the documentation."""
    return _LAWS


def law_names() -> tuple[str, ...]:
    """Return the names of laws, aliases included, in alphabetical order."""
    return tuple(sorted([*(law.name for law in _LAWS), *_ALIASES]))


def law_named(text: str) -> Law:
    """Return a law by name, or by coefficients: ``LOG_SLOPE,SLOPE,CONSTANT[,COMPONENT]``.

    The coefficients are those of ``ML = log10(A) + LOG_SLOPE log10(R) + SLOPE R + CONSTANT`` with
    A in millimetres (gain 2080) and R the hypocentral distance in km; the component is ``mean``
    (default), ``maximum`` or ``vertical``.  Raises `InputError` for anything else.

    >>> law_named("1.11,0.00189,0.591").magnitude(1.0, 100.0).round(3)
    3.0
    """
    if "," in text:
        return _from_coefficients(text)
    wanted = _ALIASES.get(text.casefold(), text.casefold())
    for law in _LAWS:
        if law.name == wanted:
            return law
    raise NameChoiceError(
        "magnitude law", text, law_names(), "; or three coefficients such as 1.11,0.00189,0.591"
    )


def _from_coefficients(text: str) -> Law:
    parts = [part.strip() for part in text.split(",")]
    component = next((c for c in _COMPONENTS if c == parts[-1]), None)
    numbers = parts[:-1] if component else parts
    try:
        values = [float(part) for part in numbers]
    except ValueError:
        values = []
    if len(values) != 3 or not all(math.isfinite(value) for value in values):
        raise InputError(
            f"magnitude law {text!r}: expected a name, or three numbers and optionally one of "
            f"{', '.join(_COMPONENTS)}, for example 1.11,0.00189,0.591,maximum"
        )
    log_slope, slope, constant = values
    name, chosen = ",".join(parts), component or "mean"
    return Law(name, log_slope, slope, constant, chosen, source="coefficients given")
