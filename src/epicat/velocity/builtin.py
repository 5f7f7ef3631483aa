"""Layered velocity models that have a name, with their sources, and which one fits a region.

Numbers of publications, nothing of our own but two things: the gradients of global models become
uniform steps of at most 15 km, and in California S follows from vp/vs.  ``source`` says with what
text the numbers were compared, and which were not compared with the publication itself.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache

import numpy as np

from epicat.errors import NameChoiceError
from epicat.geo import Extent
from epicat.velocity.layers import LayerModel

__all__ = ["MODELS", "NamedModel", "is_model_name", "model_of", "named_model", "regional_model"]

_STEP_KM = 15.0
_VP_VS = 1.73


@dataclass(frozen=True, slots=True)
class NamedModel:
    """A published velocity model."""

    name: str
    """Name for ``--velocity``."""
    about: str
    """Where it holds, in words."""
    source: str
    """The publication."""
    model: LayerModel
    """Its numbers."""
    region: Extent | None = None
    """Where it is the default; None for global models."""
    aliases: tuple[str, ...] = ()
    """Other names."""


def model_of(name: str) -> LayerModel:
    """Return the numbers of a model; raise `NameChoiceError` for a name that there is not."""
    return named_model(name).model


def named_model(name: str) -> NamedModel:
    """Return a model by its name or alias, in any case; raise `NameChoiceError` without one."""
    found = _by_name().get(name.casefold())
    if found is None:
        raise NameChoiceError("velocity model", name, [m.name for m in MODELS])
    return found


def is_model_name(name: str) -> bool:
    """Return whether a model has this name or alias."""
    return name.casefold() in _by_name()


def regional_model(extent: Extent) -> NamedModel:
    """Return the model of the region in which the middle of an extent lies, else iasp91."""
    latitude, longitude = extent.center
    for model in MODELS:
        if model.region is not None and bool(model.region.contains(latitude, longitude)):
            return model
    return named_model("iasp91")


@cache
def _by_name() -> dict[str, NamedModel]:
    return {name: model for model in MODELS for name in (model.name, *model.aliases)}


def _layers(*rows: tuple[float, ...]) -> LayerModel:
    """Return tops of uniform layers with vp and vs; without vs it follows from vp/vs."""
    full = [(*row, round(row[1] / _VP_VS, 3)) if len(row) == 2 else row for row in rows]
    depth, vp, vs = zip(*full, strict=True)
    return LayerModel(depth, vp, vs, constant=True)


def _steps(*rows: tuple[float, float, float]) -> LayerModel:
    """Return uniform steps for nodes with linear gradients; a repeated depth is a discontinuity."""
    tops: list[tuple[float, float, float]] = []
    for (z1, p1, s1), (z2, p2, s2) in itertools.pairwise(rows):
        if z2 == z1:
            continue
        count = 1 if p1 == p2 and s1 == s2 else int(np.ceil((z2 - z1) / _STEP_KM))
        for n in range(count):
            middle = (n + 0.5) / count
            tops.append(
                (
                    z1 + (z2 - z1) * n / count,
                    round(p1 + (p2 - p1) * middle, 4),
                    round(s1 + (s2 - s1) * middle, 4),
                )
            )
    return _layers(*tops, rows[-1])


def _nodes(*rows: tuple[float, float, float]) -> LayerModel:
    """Return nodes of a gradient."""
    depth, vp, vs = zip(*rows, strict=True)
    return LayerModel(depth, vp, vs)


_IASP91 = _steps(
    (0, 5.8, 3.36), (20, 5.8, 3.36), (20, 6.5, 3.75), (35, 6.5, 3.75), (35, 8.04, 4.47),
    (77.5, 8.045, 4.485), (120, 8.05, 4.5), (165, 8.175, 4.509), (210, 8.3, 4.518),
    (210, 8.3, 4.522), (260, 8.4825, 4.609), (310, 8.665, 4.696), (360, 8.8475, 4.783),
    (410, 9.03, 4.87), (410, 9.36, 5.07), (460, 9.528, 5.176), (510, 9.696, 5.282),
    (560, 9.864, 5.388), (610, 10.032, 5.494), (660, 10.2, 5.6), (660, 10.79, 5.95),
    (710, 10.9229, 6.0797), (760, 11.0558, 6.2095),
)  # fmt: skip

_AK135 = _steps(
    (0, 5.8, 3.46), (20, 5.8, 3.46), (20, 6.5, 3.85), (35, 6.5, 3.85), (35, 8.04, 4.48),
    (77.5, 8.045, 4.49), (120, 8.05, 4.5), (165, 8.175, 4.509), (210, 8.3, 4.518),
    (210, 8.3, 4.523), (260, 8.4825, 4.609), (310, 8.665, 4.696), (360, 8.8475, 4.783),
    (410, 9.03, 4.87), (410, 9.36, 5.08), (460, 9.528, 5.186), (510, 9.696, 5.292),
    (560, 9.864, 5.398), (610, 10.032, 5.504), (660, 10.2, 5.61), (660, 10.79, 5.96),
    (710, 10.9229, 6.0897), (760, 11.0558, 6.2095),
)  # fmt: skip

MODELS: tuple[NamedModel, ...] = (
    NamedModel(
        "iasp91",
        "global, continents; the default where no regional model is",
        "Kennett and Engdahl 1991, doi:10.1111/j.1365-246X.1991.tb06724.x; down to 760 km equal to "
        "ObsPy's iasp91.tvel",
        _IASP91,
    ),
    NamedModel(
        "ak135",
        "global, continents",
        "Kennett, Engdahl and Buland 1995, doi:10.1111/j.1365-246X.1995.tb03540.x; down to 760 km "
        "equal to ObsPy's ak135.tvel",
        _AK135,
    ),
    NamedModel(
        "norcal",
        "Northern California",
        "P velocities of GIL7, Dreger and Romanowicz 1994, USGS Open-File Report 94-176, equal to "
        "a gil7.d of moment tensor programs; S is not that of GIL7, but vp/vs 1.73",
        _layers((0, 3.2), (1, 4.5), (3, 4.8), (4, 5.51), (5, 6.21), (17, 6.89), (25, 7.83)),
        Extent(36.5, 42.0, -125.5, -119.0),
        ("gil7",),
    ),
    NamedModel(
        "socal",
        "Southern California",
        "Hadley and Kanamori 1977, as in Hutton et al. 2010, doi:10.1785/0120090130; P equal to "
        "SPECFEM3D's model_1d_socal, S from vp/vs 1.73, within 0.01 km/s of it",
        _layers((0, 5.5), (5.5, 6.3), (16, 6.7), (32, 7.8)),
        Extent(32.0, 36.5, -121.5, -114.5),
    ),
    NamedModel(
        "central-italy",
        "central Apennines; only if named",
        "CIA, Herrmann, Malagnini and Munafo 2011, Bull. Seismol. Soc. Am. 101, 975-993; agrees to "
        "two decimals with another copy, not compared with the paper",
        _layers(
            (0, 3.7497, 2.1436), (1.5, 4.9399, 2.8210), (4.5, 6.0129, 3.4336),
            (7.5, 5.5516, 3.1475), (14.5, 5.8805, 3.3583), (29.5, 7.1059, 4.0081),
            (35.5, 7.1000, 3.9864), (43.5, 7.9000, 4.4036),
        ),
        None,
        ("cia",),
    ),
    NamedModel(
        "chile",
        "northern Chile",
        "Graeber and Asch 1999, doi:10.1029/1999JB900020, equal to graeber.csv of PyOcto's tests; "
        "not compared with the paper",
        _nodes(
            (0, 6.1, 3.6), (10, 6.1, 3.6), (20, 6.4, 3.8), (30, 6.5, 3.8), (40, 7.1, 4.2),
            (50, 7.1, 4.2), (60, 7.3, 4.3), (70, 7.9, 4.7), (80, 8.1, 4.8), (90, 8.5, 5.1),
            (130, 8.5, 5.1),
        ),
        Extent(-27.0, -17.5, -72.5, -66.0),
    ),
    NamedModel(
        "iceland",
        "Northern Volcanic Zone of Iceland",
        "Askja and Bardarbunga, equal to the file of QuakeMigrate's example "
        "Volcanotectonic_Iceland; not compared with a publication",
        _nodes(
            (-3, 1.5, 0.843), (1, 4.0, 2.247), (3, 5.2, 2.921), (5, 6.1, 3.427),
            (6, 6.404, 3.598), (7, 6.583, 3.698), (8, 6.688, 3.757), (9, 6.792, 3.816),
            (10, 6.896, 3.874), (13, 7.038, 3.954), (14, 7.057, 3.965), (15, 7.076, 3.975),
            (16, 7.095, 3.986), (17, 7.114, 3.997), (18, 7.133, 4.007), (22, 7.21, 4.051),
            (26, 7.286, 4.093), (30, 7.362, 4.136), (42, 7.4, 4.157),
        ),
        Extent(64.2, 66.2, -18.0, -15.0),
    ),
    NamedModel(
        "japan",
        "Japan",
        "F-net, Kubo et al. 2002, doi:10.1016/S0040-1951(02)00375-X, equal to the table of F-net's "
        "web page",
        _layers(
            (0, 5.5, 3.14), (3, 6.0, 3.55), (18, 6.7, 3.83), (33, 7.8, 4.46), (100, 8.0, 4.57),
            (225, 8.4, 4.8), (325, 8.6, 4.91), (425, 9.3, 5.31),
        ),
        Extent(30.0, 46.0, 129.0, 147.0),
        ("f-net",),
    ),
)  # fmt: skip
"""All models, global ones first."""
