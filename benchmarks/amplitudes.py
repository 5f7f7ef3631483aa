"""CPU time and bytes that amplitudes and envelopes add to picking, on a full 100 Hz station-day.

``python -m benchmarks.amplitudes [f32|mixed] [DAYS]``; run it alone: it counts the CPU time of this
process with all of its threads, the two kinds of runs in turn.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.synthetic_day import write_day
from epicat.amplitude.options import AmplitudeOptions
from epicat.campaign.campaign import Campaign
from epicat.campaign.options import CampaignOptions, Partition
from epicat.campaign.resolve import resolve
from epicat.geo import Extent
from epicat.ledger import Stage
from epicat.pick.picker import PickOptions
from epicat.pipeline.runner import make_plan
from epicat.pipeline.worker import Worker
from epicat.store.base import Store
from epicat.store.open import open_store

_FLAT = ("XX.*.*.HH?=6.3e8",)


def main(precision: str, days: int) -> None:
    """Pick a day several times with and without amplitudes; print the least CPU times as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_day(root)
        runs = {
            name: _prepared(root, name, precision, options)
            for name, options in (
                ("picking", AmplitudeOptions(amplitudes=False)),
                ("with amplitudes", AmplitudeOptions(flat_response=_FLAT)),
            )
        }
        units = {
            name: make_plan(campaign, Partition(), store, recheck=False).picking[0]
            for name, (campaign, store, _) in runs.items()
        }
        spent: dict[str, list[float]] = {name: [] for name in runs}
        for _ in range(days + 1):  # the first one opens the picker
            for name, (_, _, worker) in runs.items():
                begin = time.process_time()
                worker.work(units[name])
                spent[name].append(time.process_time() - begin)
        least = {name: min(times[1:]) for name, times in spent.items()}
        store = runs["with amplitudes"][1]
        picks = sum(entry.n_rows for entry in store.ledger(Stage.PICK))
        ratio = least["with amplitudes"] / least["picking"]
        tables = ("picks", "amplitudes", "envelopes")
        sizes = {f"bytes of {t}": _bytes(root / "with amplitudes", t) for t in tables}
        print(
            json.dumps({"precision": precision, "picks": picks, **least, "ratio": ratio, **sizes})
        )


def _prepared(
    root: Path, name: str, precision: str, options: AmplitudeOptions
) -> tuple[Campaign, Store, Worker]:
    given = CampaignOptions(
        start="2020.001",
        end="2020.002",
        extent=Extent.parse("39,41,-125,-123"),
        archive=str(root),
        layout="sds",
        stations=str(root / "stations.csv"),
        store=str(root / name),
        pick=PickOptions(model="PhaseNet", weight="original", precision=precision),
        amplitude=options,
    )
    campaign = resolve(given)
    return campaign, open_store(given.store, create=True), Worker(campaign)


def _bytes(store: Path, table: str) -> int:
    newest = max((store / table).rglob("*.parquet"), key=lambda file: file.stat().st_mtime)
    return newest.stat().st_size


if __name__ == "__main__":
    main(*(sys.argv[1:2] or ["f32"]), int(*(sys.argv[2:3] or ["3"])))
