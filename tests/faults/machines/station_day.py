"""A station-day as miniSEED, and the picking of it: each is run as a process of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from epicat.association.associate_options import AssociateOptions
from epicat.campaign.options import CampaignOptions
from epicat.campaign.resolve import resolve
from epicat.geo import Extent
from epicat.ledger import Stage, Status
from epicat.pick.picker import PickOptions
from epicat.pipeline.plan import Unit
from epicat.pipeline.worker import Worker
from epicat.store.open import open_store
from epicat.time import SECOND_NS, parse_time
from support.tiny_network import stations, write_sds

_START_NS = parse_time("2020-01-01")
_KEY = "XX.ST00/2020.001"


def write(folder: Path, rate_hz: int, hours: float, pieces: int) -> None:
    """Write three components of noise, with gaps of a tenth of a piece."""
    (row,) = stations(places=1)
    folder.mkdir(parents=True)
    line = f"{row.id},{row.latitude!r},{row.longitude!r},{row.elevation_m}"
    (folder / "stations.csv").write_text(f"id,latitude,longitude,elevation\n{line}\n")
    generator = np.random.default_rng(5)
    step = round(hours * 3600 * rate_hz) // pieces
    kept = step if pieces == 1 else step * 9 // 10
    for channel in ("HHZ", "HHN", "HHE"):
        for piece in range(pieces):
            samples = np.cumsum(generator.normal(0, 200, kept)).astype(np.int32)
            start_ns = _START_NS + piece * step * SECOND_NS // rate_hz
            write_sds(folder / "sds", row, channel, samples, start_ns, rate_hz)


def pick(folder: Path) -> int:
    """Pick it with the small picker; return the largest resident set in kB."""
    campaign = resolve(
        CampaignOptions(
            start="2020-01-01",
            end="2020-01-02",
            extent=Extent.parse("-41,-39,174,176"),
            archive=str(folder / "sds"),
            layout="sds",
            stations=str(folder / "stations.csv"),
            store=str(folder / "store"),
            pick=PickOptions(model="epicat-mini"),
            associate=AssociateOptions(),
        )
    )
    store = open_store(str(folder / "store"), create=True)
    Worker(campaign).work(Unit(Stage.PICK, (_KEY,)))
    (entry,) = store.ledger(Stage.PICK)
    if entry.status not in (Status.DONE, Status.NO_PICKS, Status.TOO_GAPPY):
        raise SystemExit(f"{entry.status}: {entry.reason}")
    return _peak_kb()


def _peak_kb() -> int:
    """Return the largest resident set of this program alone (proc(5)).

    What `getrusage` says counts the process that this one was forked from as well.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


def main() -> None:
    """Do one step; picking tells its peak on stdout."""
    step, about = sys.argv[1:]
    folder, *numbers = json.loads(about)
    if step == "write":
        write(Path(folder), *numbers)
    else:
        print(pick(Path(folder)))


if __name__ == "__main__":
    main()
