"""The page of a catalog from a server on this machine, with waveforms and review.

``app`` has the routes, ``security`` decides who may ask, ``session`` reads and keeps what the page
needs, ``fdsn_event`` is the FDSN event web service, ``waveforms`` reads the record section and
``listen`` starts the server.  The only package that imports Starlette and uvicorn.
"""
