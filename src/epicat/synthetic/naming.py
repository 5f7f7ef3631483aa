"""Names of objects in each layout: the other way round than `Layout.parse`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Final

from epicat.archive.layouts import LAYOUTS
from epicat.errors import NameChoiceError
from epicat.time import day_name

__all__ = ["KEYS", "check_layout", "key_of"]


def _ncedc(net: str, sta: str, loc: str, cha: str, day: date) -> str:
    name = day_name(day)
    return f"{LAYOUTS['ncedc'].prefix(net, sta, day)}{sta}.{net}.{cha}.{loc}.D.{name}"


def _scedc(net: str, sta: str, loc: str, cha: str, day: date) -> str:
    codes = f"{net:_<2}{sta:_<5}{cha}{loc:_<2}"
    return f"{LAYOUTS['scedc'].prefix(net, sta, day)}{codes}_{day_name(day).replace('.', '')}.ms"


def _earthscope(net: str, sta: str, loc: str, cha: str, day: date) -> str:
    del loc, cha
    return f"{LAYOUTS['earthscope'].prefix(net, sta, day)}{sta}.{net}.{day_name(day)}"


def _geonet(net: str, sta: str, loc: str, cha: str, day: date) -> str:
    name = day_name(day)
    return f"{LAYOUTS['geonet'].prefix(net, sta, day)}{name}.{sta}.{loc}-{cha}.{net}.D"


def _sds(net: str, sta: str, loc: str, cha: str, day: date) -> str:
    name = f"{net}.{sta}.{loc}.{cha}.D.{day_name(day)}"
    return f"{LAYOUTS['sds'].prefix(net, sta, day)}{cha}.D/{name}"


def _files(net: str, sta: str, loc: str, cha: str, day: date) -> str:
    del loc, cha
    return f"{net}.{sta}/{day.isoformat()}.mseed"


KEYS: Final[Mapping[str, Callable[[str, str, str, str, date], str]]] = {
    "ncedc": _ncedc,
    "scedc": _scedc,
    "earthscope": _earthscope,
    "geonet": _geonet,
    "sds": _sds,
    "files": _files,
}
"""Name of the object of a channel and a day, by layout; in some, channels share an object."""


def check_layout(layout: str) -> None:
    """Raise `NameChoiceError` for a layout that there is not."""
    if layout not in KEYS:
        raise NameChoiceError("layout", layout, KEYS)


def key_of(layout: str, nslc: tuple[str, str, str, str], day: date) -> str:
    """Return the name of the object that holds a channel's day; raise `NameChoiceError`."""
    check_layout(layout)
    return KEYS[layout](*nslc, day)
