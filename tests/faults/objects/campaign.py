"""A whole campaign over bad objects, as a process with limits, and what its store says then."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from epicat.ledger import LedgerEntry, Stage
from epicat.store.base import Where
from epicat.store.open import open_store
from faults.objects.corpus import Bad
from support import tiny_network as net

__all__ = ["MEASURED", "Done", "run"]

_ADDRESSES_BYTES = 8 * 2**30
"""Addresses that a process may have: whoever believes in a record of gigabytes gets none."""
MEASURED = Path(__file__).with_name("measured.py")
"""The program that runs a command and tells its peak of memory."""
_DEADLINE_S = 1800.0
"""A campaign that takes longer hangs: it is some seconds, and a minute where many work."""

Row = tuple[int, str, str, float]
"""Time of a pick in ns, channel, phase, confidence."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a campaign left behind."""

    entries: Mapping[str, LedgerEntry]
    """The ledger of station-days."""
    picks: Mapping[str, Sequence[Row]]
    """Picks by station-day."""
    ids: Mapping[str, Sequence[str]]
    """Ids of picks by station-day."""
    unread: Mapping[str, str]
    """Objects in the ledger that belong to no station, and why."""
    peak_bytes: int
    """The largest of its processes."""


def run(folder: Path, store: Path, bad: Iterable[Bad], layout: str = "sds") -> Done | None:
    """Run a campaign; None if it was killed, took too long or did not end as it should."""
    stations = [b.station for b in bad]
    _list_stations(folder, stations)
    arguments = [
        layout if a == "sds" else a for a in net.arguments(folder, store, "--workers", "2")
    ]
    command = [sys.executable, "-m", "epicat", "run", *arguments]
    process = subprocess.Popen(
        [sys.executable, "-I", str(MEASURED), str(_ADDRESSES_BYTES), *command],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        text=True, errors="replace",
    )  # fmt: skip
    timer = threading.Timer(_DEADLINE_S, _end, [process.pid])
    timer.start()
    told, said = process.communicate()
    timer.cancel()
    if process.returncode not in (0, 1) or "Traceback" in said:
        print(f"epicat run ended with {process.returncode}: {said[-2000:]}", file=sys.stderr)
        return None
    return _done(store, int(told))


def _list_stations(folder: Path, codes: Iterable[str]) -> None:
    """Add stations to the network's, all at one place far from its earthquakes."""
    path = folder / "stations.csv"
    own = [line for line in path.read_text().splitlines() if not line.startswith(("XX.B", "XX.P"))]
    path.write_text("\n".join([*own, *(f"XX.{code}.00,-39.75,175.3,0" for code in codes), ""]))


def _end(group: int) -> None:
    os.killpg(group, signal.SIGKILL)


def _done(store: Path, peak_bytes: int) -> Done:
    opened = open_store(str(store))
    picks: dict[str, list[Row]] = defaultdict(list)
    ids: dict[str, list[str]] = defaultdict(list)
    table = opened.read("picks", Where())
    times = table["time"].cast(pa.int64()).to_pylist()
    rows = table.select(["key", "pick_id", "band", "phase", "confidence"]).to_pylist()
    for time_ns, row in zip(times, rows, strict=True):
        picks[row["key"]].append((time_ns, row["band"], row["phase"], row["confidence"]))
        ids[row["key"]].append(row["pick_id"])
    return Done(
        {e.key: e for e in opened.ledger(Stage.PICK)}, picks, ids,
        {e.key: e.reason for e in opened.ledger(Stage.ARCHIVE)}, peak_bytes,
    )  # fmt: skip
