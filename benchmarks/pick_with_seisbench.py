"""Pick one station-day with SeisBench's classify; print the number of picks."""

from __future__ import annotations

import sys
from pathlib import Path

import obspy
import seisbench.models as sbm


def main(root: Path, batch: int) -> None:
    model = sbm.PhaseNet.from_pretrained("original")
    stream = obspy.Stream()
    for path in sorted(root.glob("2020/XX/BENCH/*.D/*")):
        stream += obspy.read(str(path))
    print(len(model.classify(stream, batch_size=batch).picks))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
