"""Renew the pictures of the page of `epicat report` and `epicat view`, in Chromium.

    PYTHONPATH=src:tests python tools/look_pictures.py DEMO [NAME ...]

``DEMO`` is the folder of ``epicat demo``.  Without names all of ``docs/images/look-*.png`` are
made.  Needs ``cd web && npm ci --ignore-scripts``.  Look at them afterwards.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from epicat.catalog.catalog import open_catalog
from epicat.viewer.report import write_report
from support.catalog_store import Wanted, write_store

PROJECT: Final = Path(__file__).resolve().parent.parent
_SYNTHETIC: Final = Wanted(events=3000, days=60, measured=True)
"""An aftershock sequence: rows without waveforms."""


@contextmanager
def _serving(store: Path) -> Iterator[str]:
    """Give the address of `epicat view`, which is ended afterwards."""
    command = [sys.executable, "-m", "epicat", "view", "--store", str(store), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:  # nosec B603
        assert process.stderr is not None
        try:
            lines = iter(process.stderr.readline, "")
            yield next(m[0] for line in lines if (m := re.match(r"http://\S+", line)))
        finally:
            process.terminate()


def main(demo: Path, names: list[str]) -> None:
    """Make the pictures."""
    with TemporaryDirectory() as folder, _serving(demo / "catalog") as address:
        store, report = Path(folder, "catalog"), Path(folder, "report.html")
        write_store(store, _SYNTHETIC)
        write_report(open_catalog(store), report)
        subprocess.run(  # nosec B603 B607
            ["node", "test/screenshots.mjs", report.as_uri(), address,  # noqa: S607
             PROJECT / "docs" / "images", *names],
            check=True, cwd=PROJECT / "web",
        )  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
