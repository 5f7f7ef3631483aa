"""The routes of the server."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from epicat.errors import EpicatError, InputError
from epicat.viewer.html import harmless_json, static_file
from epicat.viewer.page_data import json_bytes
from epicat.viewer.server.chosen import Chosen
from epicat.viewer.server.fdsn_event import WADL, EventQuery, answer
from epicat.viewer.server.security import Guard, Guarded, page_policy

if TYPE_CHECKING:
    from epicat.viewer.server.session import Session

__all__ = ["make_app"]

_ARROW = "application/vnd.apache.arrow.stream"
_MEDIA = {"page.js": "text/javascript", "page.css": "text/css", "THIRD_PARTY.txt": "text/plain"}
_LARGEST_POST = 1_000_000


def make_app(session: Session, guard: Guard) -> Starlette:
    """Return the ASGI application that shows a catalog to whom the guard lets in."""
    routes = _Routes(session)
    policy = page_policy(session.options.tiles)
    return Starlette(
        routes=[
            Route("/", routes.index),
            Route("/static/{name}", routes.static),
            Route("/data/months", routes.months),
            Route("/data/events/{month}", routes.events),
            Route("/data/arrivals/{event_id}/{time_ns:int}", routes.arrivals),
            Route("/data/associated/{event_id}/{time_ns:int}", routes.associated),
            Route("/data/station-magnitudes/{event_id}/{time_ns:int}", routes.station_magnitudes),
            Route("/data/waveforms/{event_id}/{time_ns:int}", routes.waveforms),
            Route("/data/readings/{station}", routes.readings),
            Route("/data/magnitude-readings/{station}", routes.magnitude_readings),
            Route("/data/residuals", routes.residuals),
            Route("/data/quakeml", routes.quakeml),
            Route("/data/reviews", routes.reviews),
            Route("/data/reviews", routes.review, methods=["POST"]),
            Route("/data/{name}", routes.file),
            Route("/fdsnws/event/1/query", routes.fdsn_query),
            Route("/fdsnws/event/1/version", routes.fdsn_version),
            Route("/fdsnws/event/1/application.wadl", routes.fdsn_wadl),
        ],
        middleware=[
            Middleware(Guarded, guard=guard, policy=policy),
        ],
        exception_handlers={EpicatError: _refuse, KeyError: _absent},
    )


async def _refuse(request: Request, error: Exception) -> Response:
    del request
    return PlainTextResponse(str(error), 400 if isinstance(error, InputError) else 500)


async def _absent(request: Request, error: Exception) -> Response:
    del error
    return PlainTextResponse(f"there is no {request.url.path}", 404)


class _Routes:
    """Functions of the routes; a store is read in a thread."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def index(self, request: Request) -> Response:
        del request
        config = await run_in_threadpool(self._session.config)
        title = escape(str(config["title"]))
        return HTMLResponse(
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<link rel="icon" href="data:,">\n'
            f'<title>{title}</title>\n<link rel="stylesheet" href="static/page.css">\n</head>\n'
            f'<body>\n<div id="page"><p class="loading">{title}</p></div>\n'
            "<noscript><p>This page needs JavaScript; `epicat report` writes a page with a static "
            "picture.</p></noscript>\n"
            f'<script type="application/json" id="config">{harmless_json(config)}</script>\n'
            '<script src="static/page.js"></script>\n</body>\n</html>\n'
        )

    async def static(self, request: Request) -> Response:
        name = request.path_params["name"]
        return Response(static_file(name), media_type=_MEDIA[name])

    async def months(self, request: Request) -> Response:
        del request
        return _json(json_bytes(await run_in_threadpool(self._session.months)))

    async def events(self, request: Request) -> Response:
        month = request.path_params["month"]
        path = await run_in_threadpool(self._session.events, month)
        return FileResponse(path, media_type=_ARROW)

    async def arrivals(self, request: Request) -> Response:
        return await self._of_event(request, self._session.arrivals)

    async def associated(self, request: Request) -> Response:
        return await self._of_event(request, self._session.associated)

    async def station_magnitudes(self, request: Request) -> Response:
        return await self._of_event(request, self._session.station_magnitudes)

    async def waveforms(self, request: Request) -> Response:
        found = request.path_params
        names = (found["event_id"], found["time_ns"])
        return _json(await run_in_threadpool(self._session.waveforms, *names))

    async def _of_event(self, request: Request, read: Callable[[str, int], bytes]) -> Response:
        found = request.path_params
        return _arrow(await run_in_threadpool(read, found["event_id"], found["time_ns"]))

    async def readings(self, request: Request) -> Response:
        station = request.path_params["station"]
        return _arrow(await run_in_threadpool(self._session.readings, "readings", station))

    async def magnitude_readings(self, request: Request) -> Response:
        station = request.path_params["station"]
        return _arrow(await run_in_threadpool(self._session.readings, "magnitudes", station))

    async def residuals(self, request: Request) -> Response:
        chosen = Chosen.from_parameters(request.query_params)
        return _json(await run_in_threadpool(self._session.residuals, chosen))

    async def quakeml(self, request: Request) -> Response:
        chosen = Chosen.from_parameters(request.query_params)
        path = await run_in_threadpool(self._quakeml, chosen)
        return FileResponse(
            path, media_type="application/xml", background=BackgroundTask(path.unlink)
        )

    def _quakeml(self, chosen: Chosen) -> Path:
        """Write a temporary file, since a catalog need not fit into memory."""
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", suffix=".xml", delete=False
        ) as file:
            self._session.write_quakeml(chosen, file)
        return Path(file.name)

    async def file(self, request: Request) -> Response:
        name = request.path_params["name"]
        content = await run_in_threadpool(self._session.file, name)
        return _arrow(content) if name == "station-days" else _json(content)

    async def reviews(self, request: Request) -> Response:
        del request
        return _json(await run_in_threadpool(self._session.reviews))

    async def review(self, request: Request) -> Response:
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            raise InputError("reviews are sent as application/json")
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _LARGEST_POST:
                raise InputError(f"more than {_LARGEST_POST:,} bytes of reviews")
        try:
            batch = json.loads(body)
        except ValueError as error:
            raise InputError("the reviews are not valid JSON") from error
        await run_in_threadpool(self._session.review, batch)
        return await self.reviews(request)

    async def fdsn_query(self, request: Request) -> Response:
        query = EventQuery.from_parameters(request.query_params.multi_items())
        found = await run_in_threadpool(answer, self._session.catalog, query)
        if found is None:
            return Response(status_code=query.no_data)
        return Response(found[0], media_type=found[1])

    async def fdsn_version(self, request: Request) -> Response:
        del request
        return PlainTextResponse("1.2.0")

    async def fdsn_wadl(self, request: Request) -> Response:
        del request
        return Response(WADL, media_type="application/xml")


def _json(content: bytes) -> Response:
    return Response(content, media_type="application/json")


def _arrow(content: bytes) -> Response:
    return Response(content, media_type=_ARROW)
