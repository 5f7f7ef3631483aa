"""The page of a catalog: map, sections, timelines, list, events, stations and statistics.

``events`` and ``arrivals`` make the tables that the page reads, ``basemap`` the land around them,
``page_data`` all that a page needs; ``report`` writes a file that needs no server.  ``static`` has
the script and the style of the page, built from ``web/`` (TypeScript) and committed.
"""
