"""Pick station-days with SeisBench's classify; print the resources used as JSON."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import obspy
import seisbench.models as sbm

_DAYS = 2


def main(root: Path, model: str, batch: int) -> None:
    """Pick the first stations of the archive, with PyTorch's default number of threads."""
    picker = getattr(sbm, model).from_pretrained("original")
    ends, picks = [], 0
    for station in sorted(root.glob("2020/XX/*"))[:_DAYS]:
        stream = obspy.Stream()
        for path in sorted(station.glob("*.D/*")):
            stream += obspy.read(str(path))
        picks = len(picker.classify(stream, batch_size=batch).picks)
        ends.append(time.monotonic())
    steady = (ends[-1] - ends[0]) / (_DAYS - 1)
    print(json.dumps({"days": _DAYS, "steady_s": steady, "picks": picks}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
