"""The location of an associator's events: its design from the association's and the options."""

from __future__ import annotations

from epicat.association.design import Design
from epicat.errors import InputError
from epicat.locate.design import LocationDesign
from epicat.locate.options import LocateOptions
from epicat.velocity.layers import LayerModel

__all__ = ["location_design"]

_REACH = 2.0
"""Picks of an event are at most this many times ``time_before`` after it: origin times move."""


def location_design(
    design: Design,
    options: LocateOptions,
    layers: LayerModel | None = None,
    *,
    can_rematch: bool = True,
) -> LocationDesign:
    """Return the location of an associator's events.

    ``layers`` takes precedence over the velocities of the association.  Layers are shells of a
    spherical Earth: at 100 km flat ones are 0.02 to 0.08 s late, as much as a pick is wrong.  With
    ``can_rematch``, picks may join events and leave them: those of a catalog from elsewhere stay.
    """
    model = layers or design.layer_model
    is_layered = model is not None
    if model is None:
        model = LayerModel((0.0,), (design.p_velocity,), (design.s_velocity,), constant=True)
    rows = tuple(zip(model.depth_km, model.vp, model.vs, strict=True))
    if not design.sites:
        raise InputError("there are no sites, and no event to locate")
    return LocationDesign(
        associator=design.digest,
        run=design.run,
        sites=design.sites,
        latitude=design.latitude,
        longitude=design.longitude,
        x_km=design.x_km,
        y_km=design.y_km,
        z_km=design.z_km,
        layers=rows,
        constant_layers=model.constant,
        spherical=is_layered,
        options=options,
        match_s=float(design.pyocto["pick_match_tolerance"]),
        cutoff_km=float(design.pyocto["association_cutoff_distance"]) if can_rematch else 0.0,
        reach_s=_REACH * float(design.pyocto["time_before"]),
    )
