"""How each archive would name an object: the other way round than `Layout.parse`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from epicat.time import day_name
from support.waves import ncedc_key, sds_key


def scedc_key(nslc: str, day: date) -> str:
    net, sta, loc, cha = nslc.split(".")
    ordinal = day_name(day)[-3:]
    codes = f"{net:_<2}{sta:_<5}{cha}{loc:_<2}"
    folder = f"continuous_waveforms/{day.year:04d}/{day.year:04d}_{ordinal}"
    return f"{folder}/{codes}_{day.year:04d}{ordinal}.ms"


def earthscope_key(nslc: str, day: date) -> str:
    net, sta, _, _ = nslc.split(".")
    name = day_name(day)
    return f"miniseed/{net}/{name.replace('.', '/')}/{sta}.{net}.{name}"


def geonet_key(nslc: str, day: date) -> str:
    net, sta, loc, cha = nslc.split(".")
    name = day_name(day)
    folder = f"waveforms/miniseed/{day.year:04d}/{name}/{sta}.{net}"
    return f"{folder}/{name}.{sta}.{loc}-{cha}.{net}.D"


KEYS: dict[str, Callable[[str, date], str]] = {
    "ncedc": ncedc_key,
    "scedc": scedc_key,
    "earthscope": earthscope_key,
    "geonet": geonet_key,
    "sds": sds_key,
}
