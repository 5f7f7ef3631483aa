"""Velocity models of a layered Earth, and the text files that hold them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from epicat.errors import InputError
from epicat.model import digest_of

__all__ = ["LayerModel", "Phase", "read_layers"]

F64 = NDArray[np.float64]
Phase = Literal["P", "S"]

_ALIASES = {
    "depth": ("depth", "depth_km", "z", "z_km", "dep", "top", "top_km"),
    "vp": ("vp", "vp_km_s", "vp_kms", "p", "p_velocity", "p_km_s", "alpha"),
    "vs": ("vs", "vs_km_s", "vs_kms", "s", "s_velocity", "s_km_s", "beta"),
}
_LARGEST_VELOCITY = 20.0
_LARGEST_DEPTH = 1000.0


@dataclass(frozen=True, slots=True)
class LayerModel:
    """P and S velocity by depth; the first row extends upwards, the last one downwards.

    Raises `InputError` for columns of different lengths, depths that do not rise, and velocities
    that are not finite, not above 0, or those of S not below those of P.

    Examples
    --------
    >>> import epicat as ec
    >>> ec.LayerModel(depth_km=(0, 10), vp=(5.5, 6.3), vs=(3.2, 3.6)).vp[0]
    5.5

    """

    depth_km: tuple[float, ...]
    """Depths of the rows in km below sea level, strictly rising; negative above the sea."""
    vp: tuple[float, ...]
    """P velocity at each row in km/s."""
    vs: tuple[float, ...]
    """S velocity at each row in km/s."""
    constant: bool = False
    """False: rows are nodes, linear in between.  True: rows are tops of uniform layers."""
    spherical: bool = False
    """Whether the layers are shells of a spherical Earth rather than flat."""

    def __post_init__(self) -> None:
        """Check the columns, also of models that are not read from a file."""
        lengths = {len(column) for column in (self.depth_km, self.vp, self.vs)}
        if len(lengths) > 1 or 0 in lengths:
            raise InputError(
                f"velocity model: {len(self.depth_km)} depths, {len(self.vp)} vp and "
                f"{len(self.vs)} vs; give one or more rows, each with all three"
            )
        above = -math.inf
        for depth, vp, vs in zip(self.depth_km, self.vp, self.vs, strict=True):
            if not (math.isfinite(depth) and depth > above):
                raise InputError(
                    f"velocity model: depth {depth:g} km after {above:g} km; depths must be "
                    "finite and rise, each once"
                )
            if not (math.isfinite(vp) and 0 < vs < vp):
                raise InputError(
                    f"velocity model: vp {vp:g} and vs {vs:g} km/s at {depth:g} km depth; both "
                    "must be finite and above 0, and vs below vp"
                )
            above = depth

    @classmethod
    def read(cls, path: str | Path, *, constant: bool = False) -> LayerModel:
        """Read a text file with columns for depth in km and for P and S velocity in km/s.

        ``constant``: rows are tops of uniform layers; else nodes, linear in between.  Raises
        `InputError` for a file that cannot be read or velocities that cannot be.

        Examples
        --------
        >>> import epicat as ec
        >>> model = ec.LayerModel.read("velocity.txt", constant=True)
        >>> min(model.vp) > min(model.vs)
        True

        """
        return read_layers(Path(path), constant=constant)

    def velocity(self, depth_km: F64, phase: Phase) -> F64:
        """Velocity in km/s at depths in km below sea level; any shape in, the same shape out.

        On the top of a uniform layer it is the velocity of that layer.
        """
        values = np.asarray(self.vp if phase == "P" else self.vs)
        if not self.constant:
            return np.asarray(np.interp(depth_km, self.depth_km, values))
        row = np.searchsorted(self.depth_km, depth_km, side="right") - 1
        return np.asarray(values[np.maximum(row, 0)])

    @property
    def digest(self) -> str:
        """Sixteen letters that change whenever a velocity does."""
        columns = [[float(v) for v in column] for column in (self.depth_km, self.vp, self.vs)]
        shape = ("spherical",) if self.spherical else ()
        return digest_of("layers", repr((columns, bool(self.constant))), *shape)


class _Row(NamedTuple):
    where: str
    """File and line, for messages."""
    cells: list[str]


def read_layers(path: Path, *, constant: bool = False) -> LayerModel:
    """Read a velocity model: depth in km below sea level, vp and vs in km/s, one row a line.

    The file is comma or blank separated.  With a header (``depth``, ``vp``, ``vs`` or a common
    alias, in any case) the columns may have any order and others are ignored; without one the
    first three are depth, vp, vs.  Text after ``#`` and blank lines are skipped.  ``constant``
    makes each row the top of a uniform layer.  Raises `InputError` for anything else.
    """
    rows = list(_rows(path))
    columns = [0, 1, 2]
    if rows and not any(_is_number(cell) for cell in rows[0].cells):
        columns = _columns(rows.pop(0))
    if not rows:
        raise InputError(
            f"{path}: the file has no rows; write depth, vp and vs (km, km/s) on each line"
        )
    layers = [_layer(row, columns) for row in rows]
    for row, above, below in zip(rows[1:], layers, layers[1:], strict=False):
        _check_rising(row.where, above[0], below[0], constant)
    depth, vp, vs = zip(*layers, strict=True)
    return LayerModel(depth, vp, vs, constant)


def _rows(path: Path) -> Iterator[_Row]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} cannot be read as a velocity model ({error}); "
            "give a text file with depth, vp and vs on each line"
        ) from error
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        if text:
            cells = text.split(",") if "," in text else text.split()
            yield _Row(f"{path}, line {number}", [cell.strip().strip("\"'") for cell in cells])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _columns(header: _Row) -> list[int]:
    """Positions of depth, vp and vs in a header."""
    return [_column(header, name) for name in _ALIASES]


def _column(header: _Row, name: str) -> int:
    plain = [_plain(cell) for cell in header.cells]
    found = [i for i, cell in enumerate(plain) if cell in _ALIASES[name]]
    if len(found) == 1:
        return found[0]
    problem = "is missing" if not found else "is there twice"
    raise InputError(
        f"{header.where}: the column {name} {problem} among {', '.join(header.cells)}; "
        f"name one column {name} (or {', '.join(_ALIASES[name][1:])}), in km and km/s"
    )


def _plain(name: str) -> str:
    """Lower case, without a unit in brackets: ``Vp (km/s)`` is ``vp``."""
    bare = re.sub(r"[(\[].*", "", name.lower())
    return re.sub(r"[^a-z0-9]+", "_", bare).strip("_")


def _layer(row: _Row, columns: Sequence[int]) -> tuple[float, float, float]:
    if len(row.cells) <= max(columns):
        raise InputError(
            f"{row.where}: {len(row.cells)} values ({' '.join(row.cells)}), "
            f"at least {max(columns) + 1} are needed; write depth, vp and vs"
        )
    depth, vp, vs = (
        _number(row, name, row.cells[i]) for name, i in zip(_ALIASES, columns, strict=True)
    )
    _check_depth(row.where, depth)
    _check_velocities(row.where, vp, vs)
    return depth, vp, vs


def _number(row: _Row, name: str, text: str) -> float:
    if _is_number(text) and math.isfinite(float(text)):
        return float(text)
    raise InputError(
        f"{row.where}: {name} is {text!r}, which is not a finite number; correct or remove the row"
    )


def _check_depth(where: str, depth: float) -> None:
    if abs(depth) > _LARGEST_DEPTH:
        raise InputError(
            f"{where}: depth is {depth:g}, at most {_LARGEST_DEPTH:g} km is allowed; "
            "are these m? Write km below sea level"
        )


def _check_velocities(where: str, vp: float, vs: float) -> None:
    for name, value in (("vp", vp), ("vs", vs)):
        if value <= 0:
            raise InputError(
                f"{where}: {name} is {value:g}, it must be above 0 km/s; "
                "leave out water and air; the first row extends upwards without limit"
            )
        if value > _LARGEST_VELOCITY:
            raise InputError(
                f"{where}: {name} is {value:g}, at most {_LARGEST_VELOCITY:g} km/s is allowed; "
                "are these m/s? Write km/s"
            )
    if vs >= vp:
        raise InputError(
            f"{where}: vs is {vs:g} and vp {vp:g}, vs must be smaller; "
            "are the columns swapped? Without a header the order is depth vp vs"
        )


def _check_rising(where: str, above: float, below: float, constant: bool) -> None:
    if below > above:
        return
    hint = "sort the rows by depth, downward"
    if below == above:
        hint = "write each depth once" + (
            "" if constant else ", and for a model of steps use `--velocity-layers constant`"
        )
    raise InputError(f"{where}: depth is {below:g} km after {above:g} km, depths must rise; {hint}")
