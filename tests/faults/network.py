"""Bad networks: requests that fail in all ways, servers that are away, and that are gone for good.

Archive and store are behind a proxy that fails a share of their requests; the catalog must be what
it is without.  Where the trouble lasts, a run must stop, or say what it could not have, in a
bounded time, never call that "no data", and do the rest when all is well again.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from epicat.errors import StoreError
from epicat.stations import find_stations
from epicat.store.open import open_store
from faults.faulty_servers import Campaign, Cutter, ended, make_campaign
from faults.proxy import Choice, Fault, Proxy, Request, at_random
from faults.trial import Form, Trial, difference
from support import mongo_server, s3

__all__ = ["trials"]

_SHARE = 0.1
_BYTES = 16_000
"""That a connection to a database carries on average before it is cut."""
_SHORT_OF_PATIENCE = {"EPICAT_PATIENCE": "2", "EPICAT_STALL": "1"}
_STALL = {"EPICAT_STALL": "1"}
"""With the patience that epicat has by itself: half of it is gone when a server is back."""
_BOUND_S = 120.0
"""Within what time a run ends whose archive is gone, with the patience above."""


_LASTING: Mapping[str, tuple[Fault, ...]] = {
    "access denied": (Fault.REFUSED,),
    "bucket gone": (Fault.GONE,),
    "credentials": (Fault.EXPIRED,),
    "failing": (Fault.ERROR, Fault.SLOW_DOWN),
    "connections cut": (Fault.RESET,),
}


@dataclass(frozen=True, slots=True)
class _Scale:
    throttled_s: tuple[float, ...]
    """For each campaign, how long everything is refused in the middle of it."""
    away_s: tuple[float, ...]
    """For each campaign into a database, how long that is away in the middle of it."""
    lasting: tuple[str, ...]
    has_one_object: bool


_SCALES = {
    Form.SHORT: _Scale((2.0,), (2.0,), ("credentials",), has_one_object=False),
    Form.LONG: _Scale(
        (60.0, 0.0, 0.0, 0.0, 0.0), (30.0, 0.0, 0.0), tuple(_LASTING), has_one_object=True
    ),
}


def trials(form: Form, folder: Path) -> Iterator[Trial]:
    """Yield one trial after another."""
    scale = _SCALES[form]
    with make_campaign(folder) as campaign:
        yield failing(campaign, scale.throttled_s)
        yield lasting(campaign, scale.lasting)
        if scale.has_one_object:
            yield one_object(campaign)
        with mongo_server.serving(folder / "mongo", secure=False, lasting=True) as server:
            yield database(campaign, server, scale.away_s)
    yield stations()


def _trial(
    what: str, begin: float, tried: int, survived: int, rows: tuple[int, int], remark: str = ""
) -> Trial:
    return Trial(what, tried, survived, *rows, time.monotonic() - begin, remark)


def failing(campaign: Campaign, throttled_s: Sequence[float]) -> Trial:
    """Fail one request in ten, of all kinds, and everything for a while."""
    begin = time.monotonic()
    tried = survived = asked = lost = doubled = 0
    given: Counter[Fault] = Counter()
    for seed, seconds in enumerate(throttled_s):
        proxy = Proxy(campaign.server.endpoint, _throttled(at_random(seed, _SHARE), seconds), 3.0)
        store = f"s3://{s3.CATALOGS}/failing-{seed}"
        with proxy.serving() as endpoint:
            code, told = campaign.run(store, endpoint, **_STALL)
        less, more = difference(campaign.right, campaign.rows(store))
        lost, doubled = lost + less, doubled + more
        failed = proxy.given.total()
        tried += failed
        survived += failed if _is_well((code, less, more) == (0, 0, 0), told) else 0
        given += proxy.given
        asked += proxy.asked
    kinds = ", ".join(f"{count} {fault}" for fault, count in sorted(given.items()))
    return _trial(
        "requests failed, archive and store in buckets", begin, tried, survived, (lost, doubled),
        f"of {asked:,}: {kinds} ({max(throttled_s):g} s)",
    )  # fmt: skip


def _throttled(choose: Choice, seconds: float) -> Choice:
    """Choose as before, but refuse everything for some time from the 150th request on."""
    until: list[float] = []

    def also(request: Request) -> Fault | None:
        if request.number == 150:
            until.append(time.monotonic() + seconds)
        if until and time.monotonic() < until[0]:
            return Fault.THROTTLED
        return choose(request)

    return also


def lasting(campaign: Campaign, names: tuple[str, ...]) -> Trial:
    """Take the archive away for good in the middle of a campaign, in several ways; then mend it."""
    begin = time.monotonic()
    lost = doubled = survived = 0
    for number, name in enumerate(names):
        store = str(campaign.folder / f"lasting-{number}")
        is_told = _without_archive(campaign, store, _LASTING[name])
        code, told = campaign.run(store)
        less, more = difference(campaign.right, campaign.rows(store))
        lost, doubled = lost + less, doubled + more
        survived += is_told and _is_well((code, less, more) == (0, 0, 0), told)
    remark = f"{', '.join(names)}; repaired, and run again"
    return _trial("archive gone for good", begin, len(names), survived, (lost, doubled), remark)


def _without_archive(campaign: Campaign, store: str, faults: tuple[Fault, ...]) -> bool:
    """Run; tell whether it ended in time, said so, and took nothing for empty."""

    def choose(request: Request) -> Fault | None:
        return faults[request.number % len(faults)] if request.number > 40 else None

    proxy = Proxy(campaign.server.endpoint, choose)
    begin = time.monotonic()
    with proxy.serving() as endpoint:
        code, told = campaign.run(store, endpoint, **_SHORT_OF_PATIENCE)
    in_time = time.monotonic() - begin < _BOUND_S
    is_honest = _is_honest(campaign, store)
    return _is_well(code in (1, 2) and in_time and is_honest and "Traceback" not in told, told)


def _is_honest(campaign: Campaign, store: str) -> bool:
    """Tell whether every station-day that is called empty is."""
    right = campaign.statuses(str(campaign.folder / "right"))
    found = campaign.statuses(store)
    return all(right[key] == "no data" for key, status in found.items() if status == "no data")


def one_object(campaign: Campaign) -> Trial:
    """Fail one object for good: it is told, the others go on, and the next run has it."""
    begin = time.monotonic()
    key = "XX.ST03.00.HHZ.D.2020.001"
    proxy = Proxy(campaign.server.endpoint, lambda r: Fault.ERROR if key in r.target else None)
    store = str(campaign.folder / "one-object")
    with proxy.serving() as endpoint:
        code, told = campaign.run(store, endpoint, **_SHORT_OF_PATIENCE)
    reasons = [str(row) for row in campaign.rows(store) if key in str(row)]
    is_told = any("too busy or failing (500" in reason for reason in reasons)
    is_well = _is_well(code == 1 and is_told, told)
    code, told = campaign.run(store)
    rows = difference(campaign.right, campaign.rows(store))
    is_well &= _is_well(code == 0 and rows == (0, 0), told)
    survived = proxy.given.total() if is_well else 0
    what = "one object of an archive fails for good"
    return _trial(
        what, begin, proxy.given.total(), survived, rows, "reported; done by the next run"
    )


def database(
    campaign: Campaign, server: mongo_server.MongoServer, away_s: Sequence[float]
) -> Trial:
    """Cut connections to the database at random; kill it in the middle, and start it again."""
    begin = time.monotonic()
    tried = survived = lost = doubled = 0
    for seed, seconds in enumerate(away_s):
        cutter = Cutter(("127.0.0.1", server.port), _BYTES, seed)
        direct = server.url(f"cut{seed}", more="serverSelectionTimeoutMS=2000")
        with cutter.serving() as port:
            run = campaign.start(direct.replace(f":{server.port}", f":{port}"), **_STALL)
            if seconds:
                _kill(server, direct, seconds)
            code, told = ended(run)
            if code == 2:  # not reached at all, and said so: a person tries again
                code, told = campaign.run(direct.replace(f":{server.port}", f":{port}"), **_STALL)
        less, more = difference(campaign.right, campaign.rows(direct))
        lost, doubled = lost + less, doubled + more
        faults = cutter.cut + bool(seconds)
        tried += faults
        survived += faults if _is_well((code, less, more) == (0, 0, 0), told) else 0
    what = "connections to a database cut"
    remark = f"the server killed and away for {max(away_s):g} s among them"
    return _trial(what, begin, tried, survived, (lost, doubled), remark)


def _kill(server: mongo_server.MongoServer, store: str, seconds: float) -> None:
    """Kill the server when the first unit is done, and start it again later."""
    until = time.monotonic() + _BOUND_S
    while time.monotonic() < until:
        with suppress(StoreError):  # there is none yet
            if open_store(store).ledger():
                break
        time.sleep(0.1)
    server.stop(signal.SIGKILL)
    time.sleep(seconds)
    server.start()


_STATION = (
    "#Network|Station|Location|Channel|Latitude|Longitude|Elevation|StartTime|EndTime\n"
    + "".join(
        f"XX|ST{n:02d}|00|HH{c}|-40.0|175.{n:02d}|0|2001-01-01T00:00:00|\n"
        for n in range(8)
        for c in "ZNE"
    )
)


def stations() -> Trial:
    """Ask a station service; each way to fail once."""
    begin = time.monotonic()
    kinds = [f for f in Request(1, "GET", "").faults if f != Fault.LENGTH]
    answer: s3.Answer = (200, {"Content-Type": "text/plain"}, _STATION.encode())
    with (
        s3.Faulty(lambda *_: answer).serving() as upstream,
        mock.patch.dict(os.environ, {"EPICAT_STALL": "0.5"}),
        ThreadPoolExecutor(len(kinds)) as threads,
    ):
        right = find_stations(upstream)
        found = list(threads.map(lambda kind: _after(upstream, kind), kinds))
    differences = [difference(right, some) for some in found]
    lost, doubled = (sum(counts) for counts in zip(*differences, strict=True))
    survived = sum(some == right for some in found)
    return _trial(
        "requests to a station service failed", begin, len(kinds), survived, (lost, doubled),
        ", ".join(kinds),
    )  # fmt: skip


def _after(upstream: str, fault: Fault) -> list[object]:
    proxy = Proxy(upstream, lambda request: fault if request.number == 1 else None, stall_s=3.0)
    with proxy.serving() as endpoint:
        return list(find_stations(endpoint))


def _is_well(is_well: bool, told: str) -> bool:
    """Say on stderr what a campaign told that is not well."""
    if not is_well:
        print(told, file=sys.stderr)
    return is_well
