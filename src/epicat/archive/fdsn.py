"""An FDSN dataselect web service as an archive: one request for a station-day and instrument.

A service lists nothing, so that each station-day is an object of its own: ``NC.KBG.2019.172``.
Instruments are requested in the order of preference until one covers the day; further ones are
downloaded only if it does not.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from epicat.archive.access import Access
from epicat.archive.dataselect import Dataselect, TooLargeError
from epicat.archive.kept import KeptWaveforms
from epicat.archive.objects import StoredObject, without_secrets
from epicat.archive.prefetch import Prefetcher, Recent
from epicat.archive.registry import DATA_CENTERS
from epicat.errors import InputError, NameChoiceError, NoDataError, ObjectError
from epicat.fs.retry import PATIENT, Patience
from epicat.miniseed import covered_s
from epicat.model import Span
from epicat.time import DAY_NS, day_name, day_start, iso, named_day

__all__ = [
    "FdsnArchive",
    "FdsnOptions",
    "InstrumentRequest",
    "dataselect_address",
    "is_fdsn",
    "service_root",
]

_PREFIX = "fdsn:"
_PATH = "/fdsnws/dataselect/1"
_AHEAD = 2
"""Station-days that a worker requests in advance."""
_COMPLETE = 0.9
"""Share of the day, as for the choice among instruments, above which no other one is requested."""
_SHORTEST_S = 3600.0
"""Shortest span into which a request that is too large is split."""
_DAY_S = 86_400.0
_ABSENT = 256
"""Station-days without data that are remembered."""
_TAG = "fdsn"
"""Stands for the version of what a service sends, which has none."""


@dataclass(frozen=True, slots=True)
class InstrumentRequest:
    """The channels of one instrument of a station."""

    channels: tuple[str, ...]
    """Channel codes, which may contain ``?``."""
    components: int = 3
    """Components of ground motion among them, 1 to 3."""


EVERYTHING = (InstrumentRequest(tuple(f"{b}{i}?" for i in "HLNP" for b in "HBESDCFG")),)
"""Requested for stations whose channels are not known."""


def is_fdsn(location: str) -> bool:
    """Whether a location is that of an FDSN web service."""
    return location.startswith((_PREFIX, "http://", "https://"))


def service_root(location: str) -> str:
    """Return the address of a data center: of ``fdsn:NCEDC``, ``fdsn:URL`` or a URL.

    Raises `InputError` for an unknown name, or an address with a password.
    """
    where = location.removeprefix(_PREFIX).rstrip("/")
    if "://" not in where:
        if where.casefold() not in DATA_CENTERS:
            raise NameChoiceError("data center", where, DATA_CENTERS, "; or write fdsn:URL")
        return DATA_CENTERS[where.casefold()]
    parts = urlsplit(where)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise InputError(f"archive {without_secrets(location)!r} is not an http or https address")
    if "@" in parts.netloc or parts.query:
        raise InputError(
            f"archive {without_secrets(where)!r}: write the address without user, password and "
            "query; credentials belong in EPICAT_FDSN_USER and EPICAT_FDSN_PASSWORD"
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path.partition('/fdsnws')[0]}"


def dataselect_address(location: str) -> str:
    """Return the address of a data center's dataselect service; raises as `service_root`."""
    return service_root(location) + _PATH


@dataclass(frozen=True, slots=True)
class FdsnOptions:
    """What is requested of a data center, and where it is kept."""

    requests: Mapping[tuple[str, str], tuple[InstrumentRequest, ...]] = field(default_factory=dict)
    """Instruments in the order of preference, by network and station; others: everything."""
    keep: Path | None = None
    """Folder for what was fetched, in the SDS layout; None if it is not kept."""


class FdsnArchive:
    """The waveforms of a data center."""

    def __init__(
        self, location: str, options: FdsnOptions, access: Access, retries: int = PATIENT
    ) -> None:
        root = service_root(location)
        self.location = f"{_PREFIX}{root}"
        service = Dataselect(root + _PATH, Patience.from_environment(retries), signed=access.signed)
        self._downloads = _Downloads(self.location, service, options)
        self._recent = Recent(Prefetcher(self._downloads, _AHEAD))

    def check(self) -> None:
        """Raise `AwayError` if the service does not answer; kept waveforms need none."""
        self._downloads.check()

    def objects(self, network: str, station: str, span: Span) -> list[StoredObject]:
        """One object for each day of the span; whether it has data shows when it is read."""
        keys = (f"{network}.{station}.{day_name(day)}" for day in sorted(span.days()))
        return [StoredObject(key, 0, _TAG) for key in keys if key not in self._downloads.absent]

    def prefetch(self, items: Iterable[StoredObject]) -> None:
        """Announce what will be read next, in this order."""
        self._recent.prefetch(items)

    def read(self, item: StoredObject) -> bytes:
        """Return the waveforms of a station-day.

        Raises `NoDataError` if the service has none, `ObjectError` if they cannot be read, and
        `AwayError` if the service cannot be reached.
        """
        return self._recent.read(item)

    def unreadable(self) -> dict[str, str]:
        """Nothing: every object has a station."""
        return {}


class _Downloads:
    """Station-days by their keys, requested when they are read."""

    def __init__(self, location: str, service: Dataselect, options: FdsnOptions) -> None:
        self.location = location
        self._service, self._requests = service, options.requests
        self._kept = KeptWaveforms(options.keep) if options.keep else None
        self.absent: OrderedDict[str, None] = OrderedDict()

    def check(self) -> None:
        if self._kept is None:
            self._service.check()

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Nothing: a service cannot be listed."""
        del prefix
        return iter(())

    def example(self) -> str | None:
        """None: a service cannot be listed."""
        return None

    def read(self, key: str, size: int | None = None) -> bytes:
        """Return the waveforms of a station-day."""
        del size
        network, station, name = key.split(".", 2)
        day = named_day(name)
        body = self._kept.load(network, station, day) if self._kept else None
        if body is None:
            body = self._fetched(key, network, station, day)
            if self._kept:
                self._kept.save(network, station, day, body)
        if not body:
            self.absent[key] = None
            while len(self.absent) > _ABSENT:
                self.absent.popitem(last=False)
            raise NoDataError(key, "the service has no data")
        return body

    def _fetched(self, key: str, network: str, station: str, day: date) -> bytes:
        left = [*self._requests.get((network, station), EVERYTHING)]
        parts: list[bytes] = []
        best = 0.0
        while left and best < _COMPLETE * _DAY_S * max(one.components for one in left):
            request = left.pop(0)
            codes = {"net": network, "sta": station, "loc": "*", "cha": ",".join(request.channels)}
            start = day_start(day)
            body = b"".join(self._spans(key, codes, Span(start, start + DAY_NS)))
            parts.append(body)
            best = max(best, min(covered_s(body), request.components * _DAY_S))
        return b"".join(parts)

    def _spans(self, key: str, codes: Mapping[str, str], span: Span) -> Iterator[bytes]:
        """Request a span, in halves if the service says that it is too large."""
        times = {"start": _text(span.start_ns), "end": _text(span.end_ns)}
        try:
            yield self._service.fetch(key, {**codes, **times})
        except TooLargeError as error:
            if span.seconds <= _SHORTEST_S:
                raise ObjectError(key, f"cannot be read: an hour is too large ({error})") from error
        else:
            return
        middle = (span.start_ns + span.end_ns) // 2
        yield from self._spans(key, codes, Span(span.start_ns, middle))
        yield from self._spans(key, codes, Span(middle, span.end_ns))


def _text(time_ns: int) -> str:
    return iso(time_ns).removesuffix("Z")
