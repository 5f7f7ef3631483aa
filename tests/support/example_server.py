"""A server of an example's files on the loopback, and windows like those of Holuhraun."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

from epicat.examples import SourceFile

_BEFORE_S, _AFTER_S = 9.0, 23.5101
"""Of the windows around the times in the names, as the sizes and times of the real ones are."""


@dataclass
class Served:
    """What is served, and what was asked for."""

    address: str
    contents: dict[str, bytes]
    requests: list[str] = field(default_factory=list)


def registry(contents: Mapping[str, bytes]) -> tuple[SourceFile, ...]:
    """Return the table of an example with these files."""
    return tuple(
        SourceFile(path, len(content), hashlib.sha256(content).hexdigest())
        for path, content in contents.items()
    )


@contextmanager
def serving(contents: dict[str, bytes]) -> Iterator[Served]:
    """Serve contents by their paths on the loopback."""
    served = Served("", contents)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.requests.append(self.path)
            content = served.contents.get(self.path.lstrip("/"))
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *given: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield served
        server.shutdown()
        thread.join()


def holuhraun_contents(realdata: Path, sources: tuple[SourceFile, ...]) -> dict[str, bytes]:
    """Return files like those of the example, made from the folder of real data.

    Station list and velocity model are the example's bytes.  The windows hold its samples, but
    not its bytes: who wrote them put the traces into another order.
    """
    import obspy

    stream = obspy.Stream()
    for path in sorted((realdata / "holuhraun" / "waveforms").iterdir()):
        stream += obspy.read(path)
    contents = {}
    for source in sources:
        if source.name.endswith(".m"):
            contents[source.path] = _window(stream, source.name)
        elif "vmodel" in source.name:
            contents[source.path] = (realdata / "holuhraun" / "velocity_model.txt").read_bytes()
        else:
            contents[source.path] = _stations(realdata).encode()
    return contents


def _window(stream: object, name: str) -> bytes:
    import obspy

    whole, thousandths = name[:14], int(name[14:17])
    time = datetime.strptime(whole, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    center = obspy.UTCDateTime(time + timedelta(milliseconds=thousandths))
    file = BytesIO()
    part = stream.slice(center - _BEFORE_S, center + _AFTER_S)
    part.write(file, format="MSEED", encoding="STEIM1", reclen=4096)
    return file.getvalue()


def _stations(realdata: Path) -> str:
    lines = ["Latitude,Longitude,Elevation,Name"]
    for row in (realdata / "holuhraun" / "stations.csv").read_text().splitlines()[1:]:
        name, latitude, longitude, elevation = row.split(",")
        lines.append(f"{latitude},{longitude},{float(elevation) / 1000:.3f},{name[3:]}")
    return "\n".join(lines) + "\n"
