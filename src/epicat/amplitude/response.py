"""Instrument responses: what a channel makes of ground motion, and whether that can be trusted.

A response is a chain of stages, as in StationXML: analog poles and zeros, then digital filters.
The value of a stage at its reference frequency is its gain (FDSN StationXML 1.2, ``Stage``).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from epicat.errors import EpicatError
from epicat.model import digest_of

__all__ = [
    "GroundUnit",
    "Pair",
    "Response",
    "ResponseError",
    "Shape",
    "check_band",
    "check_normalization",
    "common_response",
    "parse_unit",
]

F64 = NDArray[np.float64]
C128 = NDArray[np.complex128]
Pair = tuple[float, float]
GroundUnit = Literal["M", "M/S", "M/S**2"]

_UNIT = re.compile(r"([NUMCµ]?)M(?:/(?:S|SEC)(?:(?:\*\*|\^)?(2)|/(?:S|SEC))?)?|(G)")
_SCALES: Final = {"": 1.0, "C": 1e-2, "M": 1e-3, "U": 1e-6, "µ": 1e-6, "N": 1e-9}
_SMALLEST, _LARGEST = 1e-3, 1e16
"""Counts per unit of ground motion that an instrument can have: data may be stored in m/s, and
the most sensitive seismometers with 32 bits have 1e13 counts per m/s."""
_TOLERANCE: Final = 0.05
"""Largest relative difference between values that should be equal; evalresp has the same."""
_FLOOR: Final = 0.5
"""Digital filters are undone by a factor of two at most: beyond their corner there is nothing."""


class ResponseError(EpicatError):
    """A response that cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The frequency dependence of a stage, normalised to 1 at its reference frequency.

    A ratio of products, of poles and zeros, or of polynomials; either of s = i omega in rad/s, or
    of z = exp(i omega / rate) for a digital filter.
    """

    zeros: tuple[Pair, ...] = ()
    """Real and imaginary parts, in rad/s or in the z plane."""
    poles: tuple[Pair, ...] = ()
    """The same of the poles."""
    numerator: tuple[float, ...] = ()
    """Coefficients, of s in ascending or of z in descending order; empty is 1."""
    denominator: tuple[float, ...] = ()
    """The same of the denominator."""
    rate_hz: float = 0.0
    """Input sampling rate of a digital filter; 0 for an analog one."""
    correction_s: float = 0.0
    """By how much the digitiser set back the times of the samples, for the filter's delay."""
    reference_hz: float = 1.0
    """The frequency at which the value is 1."""

    @property
    def digest(self) -> str:
        """Identifies the shape by its content."""
        return digest_of(*(repr(getattr(self, name)) for name in self.__slots__))

    def values(self, frequency_hz: F64) -> C128:
        """Return the complex values at frequencies above 0, (n,), not yet normalised."""
        omega = 2 * np.pi * frequency_hz
        if self.rate_hz == 0:
            return self._ratio(1j * omega)
        if self._is_symmetric:
            lags = np.arange(len(self.numerator)) - (len(self.numerator) - 1) / 2
            phases = np.outer(omega / self.rate_hz, lags)
            return np.asarray(np.cos(phases) @ np.array(self.numerator), complex)
        shift = np.exp(1j * omega * self.correction_s)
        return np.asarray(self._ratio(np.exp(1j * omega / self.rate_hz)) * shift)

    def normalised(self, frequency_hz: F64) -> C128:
        """Return the complex values at frequencies above 0, (n,).

        Raises `ResponseError` if the value at the reference frequency is 0 or not finite.
        """
        reference = float(np.abs(self.values(np.array([self.reference_hz]))[0]))
        if not (math.isfinite(reference) and reference > 0):
            raise ResponseError(f"a stage has no value at its frequency {self.reference_hz:g} Hz")
        return np.asarray(self.values(frequency_hz) / reference)

    @property
    def _is_symmetric(self) -> bool:
        """Whether it is a filter without phase: its delay is corrected in the archive."""
        is_fir = not (self.zeros or self.poles or len(self.denominator) > 1)
        return is_fir and self.numerator == self.numerator[::-1] and bool(self.numerator)

    def _ratio(self, at: C128) -> C128:
        above = np.ones_like(at)
        for re_, im in self.zeros:
            above = above * (at - complex(re_, im))
        for re_, im in self.poles:
            above = above / (at - complex(re_, im))
        powers = at if self.rate_hz == 0 else 1 / at
        for coefficients, sign in ((self.numerator, 1), (self.denominator, -1)):
            if coefficients:
                above = above * np.polyval(coefficients[::-1], powers) ** sign
        return above


@dataclass(frozen=True, slots=True)
class Response:
    """The response of a channel: counts per unit of ground motion."""

    unit: GroundUnit
    """The ground motion that the sensor measures: displacement, velocity or acceleration."""
    gain: float
    """Product of the gains of all stages, per m, m/s or m/s2; negative if the signal is turned."""
    shapes: tuple[Shape, ...] = ()
    """The stages whose value depends on the frequency."""

    @property
    def digest(self) -> str:
        """Identifies the response by its content."""
        return digest_of(self.unit, repr(self.gain), *(shape.digest for shape in self.shapes))

    def values(self, frequency_hz: F64) -> C128:
        """Return counts per unit of ground motion at frequencies above 0, (n,)."""
        found = np.full(len(frequency_hz), self.gain, complex)
        for shape in self.shapes:
            found *= shape.normalised(frequency_hz)
        return found

    def velocity(self, frequency_hz: F64) -> C128:
        """Return counts per m/s of ground velocity at frequencies above 0, (n,).

        Digital filters count as at least half of what they are at their reference frequency.
        """
        powers = {"M": -1, "M/S": 0, "M/S**2": 1}
        found = self.gain * (2j * np.pi * frequency_hz) ** powers[self.unit]
        digital = np.ones(len(frequency_hz), complex)
        for shape in self.shapes:
            if shape.rate_hz:
                digital *= shape.normalised(frequency_hz)
            else:
                found = found * shape.normalised(frequency_hz)
        size = np.abs(digital)
        direction = np.where(size > 0, digital / np.where(size > 0, size, 1), 1)
        return np.asarray(found * direction * np.maximum(size, _FLOOR))

    def check(self, sensitivity: float | None, sensitivity_hz: float) -> None:
        """Raise `ResponseError` if the response is absurd or differs from the sensitivity.

        ``sensitivity`` is that of the entire chain in the metadata; None if there is none.
        """
        for shape in self.shapes:
            _check_poles(shape)
        size = abs(self.gain)
        if not _SMALLEST <= size <= _LARGEST:
            raise ResponseError(
                f"{size:g} counts per {self.unit} is not between {_SMALLEST:g} and {_LARGEST:g}"
            )
        with np.errstate(all="ignore"):
            band = np.abs(self.velocity(np.geomspace(0.5, 20.0, 16)))
        if not (np.all(np.isfinite(band)) and np.all(band > 0)):
            raise ResponseError("the response is 0 or not finite between 0.5 and 20 Hz")
        if sensitivity is None:
            return
        if not (math.isfinite(sensitivity) and sensitivity != 0 and sensitivity_hz > 0):
            raise ResponseError(f"sensitivity {sensitivity:g} at {sensitivity_hz:g} Hz")
        found = float(np.abs(self.values(np.array([sensitivity_hz]))[0]))
        if not abs(found / abs(sensitivity) - 1) <= _TOLERANCE:
            raise ResponseError(
                f"the stages give {found:.4g} counts per {self.unit} at {sensitivity_hz:g} Hz, "
                f"the sensitivity is {abs(sensitivity):.4g}"
            )


def check_normalization(shape: Shape, factor: float, frequency_hz: float) -> None:
    """Raise `ResponseError` unless a factor normalises poles and zeros to 1 at a frequency."""
    value = float(np.abs(shape.values(np.array([frequency_hz]))[0])) * abs(factor)
    if not abs(value - 1) <= _TOLERANCE:
        raise ResponseError(
            f"poles, zeros and normalization factor give {value:.4g} instead of 1 at "
            f"{frequency_hz:g} Hz"
        )


def _check_poles(shape: Shape) -> None:
    """Raise `ResponseError` for a filter that is not stable."""
    if shape.rate_hz:
        unstable = [pole for pole in shape.poles if math.hypot(*pole) >= 1]
    else:
        unstable = [pole for pole in shape.poles if pole[0] > 0]
    if unstable:
        raise ResponseError(f"pole {complex(*unstable[0]):g} is not stable")


def parse_unit(text: str) -> tuple[GroundUnit, float]:
    """Return a unit of ground motion and its size in SI; raise `ResponseError` for others.

    >>> parse_unit("nm/s")
    ('M/S', 1e-09)
    """
    found = _UNIT.fullmatch(text.strip().upper().replace(" ", ""))
    if found is None or found[3]:
        raise ResponseError(f"input unit {text[:20]!r} is not M, M/S or M/S**2")
    rest = found[0][len(found[1]) + 1 :]
    squared = bool(found[2]) or rest.count("/") > 1
    unit: GroundUnit = "M" if not rest else "M/S**2" if squared else "M/S"
    return unit, _SCALES[found[1]]


def check_band(channel: str, unit: GroundUnit) -> None:
    """Raise `ResponseError` if a channel's instrument code contradicts its unit.

    By the SEED convention N is an accelerometer and H a seismometer; L has been used for both.
    """
    instrument = channel[1:2]
    wrong = {"N": unit != "M/S**2", "H": unit == "M/S**2"}
    if wrong.get(instrument, False):
        raise ResponseError(f"input unit {unit} contradicts the channel code {channel}")


def common_response(responses: Iterable[Response]) -> Response | None:
    """Return the response that all have, with gains that agree within 1 %; None if none."""
    found = list(responses)
    if not found:
        return None
    first = found[0]
    same = all(
        (other.unit, other.shapes) == (first.unit, first.shapes)
        and abs(other.gain / first.gain - 1) <= 0.01
        for other in found
    )
    return first if same else None
