"""Pick one station-day with epicat into a store; print the number of picks."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from epicat.associate.options import AssociateOptions
from epicat.config import Cut, Options, settle
from epicat.geo import Extent
from epicat.model import Stage
from epicat.pick.picker import PickOptions
from epicat.run.runner import make_plan
from epicat.store.open import open_store
from epicat.work import Worker


def main(root: Path, threads: int) -> None:
    with tempfile.TemporaryDirectory() as store:
        campaign = settle(
            Options(
                start="2020.001",
                end="2020.002",
                extent=Extent.parse("39,41,-125,-123"),
                archive=str(root),
                layout="sds",
                stations=str(root / "stations.csv"),
                store=store,
                pick=PickOptions(),
                associate=AssociateOptions(),
            )
        )
        opened = open_store(store, create=True)
        worker = Worker(campaign, threads)
        for unit in make_plan(campaign, Cut(), opened, recheck=False).picking:
            worker.work(unit)
        print(sum(entry.count for entry in opened.ledger(Stage.PICK)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
