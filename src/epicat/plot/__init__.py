"""Figures of a catalog: map, two depth sections and a timeline on one page.

``figure`` composes and saves the page; ``data`` holds what is drawn; ``page`` has sizes, style and
shared elements; ``map`` and ``timeline`` draw the panels.

The only package that imports matplotlib, and only when a figure is drawn.
"""

from epicat.plot.figure import PlotOptions, catalog_figure, draw_catalog
from epicat.plot.page import choose_style

__all__ = ["PlotOptions", "catalog_figure", "choose_style", "draw_catalog"]
