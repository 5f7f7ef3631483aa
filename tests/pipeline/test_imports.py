from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from support.tiny_network import truths, write_network

RUN = """
import sys
from pathlib import Path
from epicat.campaign.options import Partition
from epicat.pipeline.executors import Serial
from epicat.pipeline.local import _Silent
from epicat.pipeline.runner import make_plan, run
from epicat.store.open import open_store
from support.tiny_network import settled
folder = Path(sys.argv[1])
campaign = settled(folder, folder / "store")
store = open_store(campaign.store, create=True)
plan = make_plan(campaign, Partition(), store, recheck=False)
done = run(campaign, plan, store, lambda: Serial(campaign), _Silent())
print(done.picks > 0, done.events, dict(done.blocks))
print(sorted({"pandas", "scipy.fft", "scipy.special", "torch", "obspy"} & set(sys.modules)))
"""


def test_a_run_without_events_imports_no_pandas_and_none_of_scipys_large_parts(
    tmp_path: Path,
) -> None:
    """They take as long as picking hours of a station, in every process."""
    write_network(tmp_path, truths([300.0]), around_s=400)
    for left_out in sorted((tmp_path / "sds").glob("2020/*/*"))[2:]:  # too few for an event
        for file in left_out.rglob("*.00*"):
            file.unlink()
    tests = str(Path(__file__).parents[1])
    path = os.pathsep.join([tests, *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-c", RUN, str(tmp_path)]
    env = os.environ | {"PYTHONPATH": path}
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stderr
    counts, imported = done.stdout.splitlines()[-2:]
    assert counts.startswith("True 0 ")
    assert imported == "[]"
