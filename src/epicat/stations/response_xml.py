"""Responses of StationXML channels: elements in, `Response` or the reason against it out.

What each element means is in the FDSN StationXML 1.2 reference, ``Response``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from epicat.amplitude.response import (
    GroundUnit,
    Pair,
    Response,
    ResponseError,
    Shape,
    check_band,
    check_normalization,
    parse_unit,
)

__all__ = ["Element", "ResponseElements", "parse_response"]

_LARGEST: Final = 200_000
"""Most elements of a response: the longest filters have some thousand coefficients."""
_ANALOG: Final = {
    "LAPLACE (RADIANS/SECOND)": 1.0,
    "LAPLACE (HERTZ)": 2 * math.pi,
    "ANALOG (RADIANS/SECOND)": 1.0,
    "ANALOG (HERTZ)": 2 * math.pi,
}
_DIGITAL: Final = ("DIGITAL (Z-TRANSFORM)", "DIGITAL")
_UNUSABLE: Final = {"Polynomial": "a polynomial", "ResponseList": "a table of values"}


@dataclass(slots=True)
class Element:
    """An element of XML."""

    name: str
    """Name without its namespace."""
    text: str = ""
    """Its text."""
    children: list[Element] = field(default_factory=list)
    """The elements inside."""

    def all(self, name: str) -> Iterator[Element]:
        """Yield the children of a name."""
        return (child for child in self.children if child.name == name)

    def find(self, *path: str) -> Element | None:
        """Return the first element at a path, or None."""
        found: Element | None = self
        for name in path:
            found = next(found.all(name), None) if found is not None else None
        return found

    def words(self, *path: str) -> str:
        """Return the text at a path, empty if there is none."""
        found = self.find(*path)
        return found.text.strip() if found is not None else ""

    def number(self, *path: str, missing: float | None = None) -> float:
        """Return the number at a path; raise `ResponseError` if there is none."""
        text = self.words(*path)
        if not text and missing is not None:
            return missing
        try:
            value = float(text)
        except ValueError:
            raise ResponseError(f"{'/'.join(path)} {text[:20]!r} is not a number") from None
        if not math.isfinite(value):
            raise ResponseError(f"{'/'.join(path)} is {value}")
        return value


class ResponseElements:
    """Collects the elements of a response as the parser meets them."""

    def __init__(self) -> None:
        self.root = Element("Response")
        self._open = [self.root]
        self._count = 0

    def start(self, name: str) -> None:
        """Begin an element."""
        self._count += 1
        if self._count > _LARGEST:
            return
        element = Element(name.rpartition(" ")[2])
        self._open[-1].children.append(element)
        self._open.append(element)

    def text(self, data: str) -> None:
        """Take in text of the open element."""
        if self._count <= _LARGEST:
            self._open[-1].text += data

    def end(self) -> None:
        """End the open element."""
        if self._count <= _LARGEST and len(self._open) > 1:
            self._open.pop()

    def parsed(self, channel: str) -> Response:
        """Return the response of a channel code; raise `ResponseError` if it cannot be used."""
        if self._count > _LARGEST:
            raise ResponseError(f"more than {_LARGEST:,} elements")
        return parse_response(self.root, channel)


def parse_response(response: Element, channel: str) -> Response:
    """Return a response; raise `ResponseError` if it is incomplete, inconsistent or absurd."""
    if response.find("InstrumentPolynomial") is not None:
        raise ResponseError("a polynomial response does not measure ground motion")
    stages = [stage for stage in response.all("Stage") if stage.children]
    if not stages:
        what = "only a sensitivity" if response.find("InstrumentSensitivity") else "no stages"
        raise ResponseError(f"{what}: no poles and zeros")
    unit, scale = _input_unit(response, stages)
    check_band(channel, unit)
    gain, shapes = 1.0, []
    for number, stage in enumerate(stages, 1):
        try:
            size, shape = _stage(stage)
        except ResponseError as error:
            raise ResponseError(f"stage {number}: {error}") from error
        gain *= size
        if shape is not None:
            shapes.append(shape)
    _check_units(stages)
    found = Response(unit, gain / scale, tuple(shapes))
    sensitivity = response.find("InstrumentSensitivity")
    if sensitivity is None:
        found.check(None, 1.0)
    else:
        found.check(sensitivity.number("Value") / scale, sensitivity.number("Frequency"))
    return found


def _input_unit(response: Element, stages: list[Element]) -> tuple[GroundUnit, float]:
    """Return the unit of ground motion of the first stage, which is that of the sensitivity."""
    first = _unit(stages[0], "InputUnits")
    overall = response.words("InstrumentSensitivity", "InputUnits", "Name")
    if not first and not overall:
        raise ResponseError("no input unit")
    unit = parse_unit(first or overall)
    if overall and parse_unit(overall) != unit:
        raise ResponseError(
            f"the first stage has the input unit {first!r}, the sensitivity {overall!r}"
        )
    return unit


def _unit(stage: Element, which: str) -> str:
    """Return the name of a stage's input or output unit; empty if it names none."""
    found = (child.words(which, "Name") for child in stage.children)
    return next(filter(None, found), "")


def _check_units(stages: list[Element]) -> None:
    """Raise `ResponseError` unless each stage begins with the unit of the one before it.

    Names are compared by their first letter: V and VOLTS, COUNT and COUNTS are all in use.
    """
    before = ""
    for number, stage in enumerate(stages, 1):
        begin, end = (_unit(stage, which).upper() for which in ("InputUnits", "OutputUnits"))
        if before and begin and begin[0] != before[0]:
            raise ResponseError(
                f"stage {number} begins with {begin!r}, the one before it ends with {before!r}"
            )
        before = end or before
    if before and not before.startswith(("COUNT", "DIGIT")):
        raise ResponseError(f"the last stage ends with {before[:20]!r}, not with counts")


def _stage(stage: Element) -> tuple[float, Shape | None]:
    """Return the gain of a stage and its frequency dependence, None if there is none."""
    for name, what in _UNUSABLE.items():
        if stage.find(name) is not None:
            raise ResponseError(f"{what} instead of poles and zeros")
    gain, at_hz = stage.number("StageGain", "Value"), stage.number("StageGain", "Frequency")
    if gain == 0:
        raise ResponseError("the gain is 0")
    makers = {"PolesZeros": _poles_zeros, "Coefficients": _coefficients, "FIR": _fir}
    for name, make in makers.items():
        if (element := stage.find(name)) is not None:
            return gain, make(element, stage, abs(at_hz))
    return gain, None


def _poles_zeros(element: Element, stage: Element, at_hz: float) -> Shape | None:
    kind = element.words("PzTransferFunctionType").upper()
    zeros, poles = (_pairs(element, name) for name in ("Zero", "Pole"))
    normal_hz = element.number("NormalizationFrequency")
    factor = element.number("NormalizationFactor", missing=1.0)
    if kind in _DIGITAL:
        shape = Shape(zeros, poles, rate_hz=_rate(stage), correction_s=_correction(stage))
    elif kind in _ANALOG:
        unit = _ANALOG[kind]
        factor *= unit ** (len(poles) - len(zeros))
        shape = Shape(_times(zeros, unit), _times(poles, unit))
    else:
        raise ResponseError(f"transfer function {kind[:30]!r} is not known")
    if not zeros and not poles:
        return None
    check_normalization(shape, factor, normal_hz)
    # A gain at 0 Hz, where a seismometer has none, is meant at the frequency of normalization.
    reference_hz = at_hz if at_hz > 0 or not zeros else normal_hz
    return Shape(shape.zeros, shape.poles, (), (), shape.rate_hz, shape.correction_s, reference_hz)


def _coefficients(element: Element, stage: Element, at_hz: float) -> Shape | None:
    kind = element.words("CfTransferFunctionType").upper()
    numerator, denominator = (_numbers(element, name) for name in ("Numerator", "Denominator"))
    if len(numerator) < 2 and len(denominator) < 2:
        return None
    if kind in _DIGITAL:
        rate_hz, correction_s = _rate(stage), _correction(stage)
        return Shape((), (), numerator, denominator, rate_hz, correction_s, at_hz)
    if kind not in _ANALOG:
        raise ResponseError(f"transfer function {kind[:30]!r} is not known")
    unit = _ANALOG[kind]
    above, below = (
        tuple(value / unit**power for power, value in enumerate(values))
        for values in (numerator, denominator)
    )
    return Shape((), (), above, below, reference_hz=at_hz)


def _fir(element: Element, stage: Element, at_hz: float) -> Shape | None:
    half = _numbers(element, "NumeratorCoefficient")
    symmetry = element.words("Symmetry").upper() or "NONE"
    if symmetry == "NONE":
        whole = half
    elif symmetry == "ODD":
        whole = (*half, *half[-2::-1])
    elif symmetry == "EVEN":
        whole = (*half, *half[::-1])
    else:
        raise ResponseError(f"symmetry {symmetry[:20]!r} is not NONE, ODD or EVEN")
    if len(whole) < 2:
        return None
    return Shape((), (), whole, (), _rate(stage), _correction(stage), at_hz)


def _rate(stage: Element) -> float:
    rate_hz = stage.number("Decimation", "InputSampleRate")
    if not rate_hz > 0:
        raise ResponseError(f"input sampling rate {rate_hz:g} Hz")
    return rate_hz


def _correction(stage: Element) -> float:
    return stage.number("Decimation", "Correction", missing=0.0)


def _pairs(element: Element, name: str) -> tuple[Pair, ...]:
    return tuple((one.number("Real"), one.number("Imaginary")) for one in element.all(name))


def _times(pairs: tuple[Pair, ...], factor: float) -> tuple[Pair, ...]:
    return tuple((factor * re, factor * im) for re, im in pairs)


def _numbers(element: Element, name: str) -> tuple[float, ...]:
    values = []
    for child in element.all(name):
        try:
            values.append(float(child.text))
        except ValueError:
            raise ResponseError(f"{name} {child.text.strip()[:20]!r} is not a number") from None
    if not all(map(math.isfinite, values)):
        raise ResponseError(f"a {name} is not finite")
    return tuple(values)
