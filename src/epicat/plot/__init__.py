"""The picture of a catalog: map, two depth sections and a timeline on one page.

``catalog`` composes the page and saves it, of ``data``, on the ``geometry`` of the ``page``;
``map``, ``sections`` and ``timeline`` draw the panels, with ``style`` and ``writing`` in common.

The only folder that imports matplotlib, and only when a picture is drawn.
"""

from epicat.plot.catalog import catalog_figure, draw_catalog

__all__ = ["catalog_figure", "draw_catalog"]
