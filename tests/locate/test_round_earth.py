"""Arrivals of a round Earth are located where they come from, also by a network of 110 km."""

from __future__ import annotations

import numpy as np

from epicat.association.associate_options import AssociateOptions
from epicat.association.design import make_design
from epicat.association.sites import SiteIndex
from epicat.campaign.location import location_design
from epicat.geo import Extent, Plane
from epicat.locate.arrivals import Arrivals
from epicat.locate.options import LocateOptions
from epicat.model import Station
from epicat.synthetic.propagation import GIL7, Crust, trace_rays

EXTENT = Extent(39.5, 40.5, -124.6, -123.4)
PLANE = Plane(*EXTENT.center)


def test_synthetic_arrivals_are_located_to_metres():
    rng = np.random.default_rng(71)
    x, y = rng.uniform(-55, 55, (2, 14))
    lat, lon = PLANE.to_lat_lon(x, y)
    stations = [
        Station("XX", f"S{k:02d}", "", ("HHZ",), lat[k], lon[k], 500.0, name=f"XX.S{k:02d}")
        for k in range(len(lat))
    ]
    sites = SiteIndex.from_stations(stations, PLANE, 100.0).sites
    design = make_design(AssociateOptions(), "a-run", EXTENT, sites, GIL7)
    assert not design.spherical  # the box is too small to matter for association
    location = location_design(design, LocateOptions())
    place = np.column_stack([*rng.uniform(-30, 30, (2, 12)), rng.uniform(4, 14, 12)])
    rows = []
    for i, (east, north, depth) in enumerate(place):
        for k in range(len(x)):
            path = trace_rays(
                Crust(), float(np.hypot(x[k] - east, y[k] - north)), 0.0, depth, 500.0
            )
            rows += [(i, k, p, ray.time_s) for p, ray in enumerate((path.p, path.s))]
    event, sensor, phase, time = (np.array(column) for column in zip(*rows, strict=True))
    arrivals = Arrivals.from_columns(event, sensor, phase, time, np.array([0.05, 0.08])[phase])
    off = location.locator().locate(arrivals).place_km - place
    assert np.median(np.hypot(off[:, 0], off[:, 1])) < 0.01
    assert abs(np.median(off[:, 2])) < 0.02  # 0.06 km if layers are flat
