"""A store with files, sound, to be damaged: in a folder and in a bucket."""

from __future__ import annotations

from pathlib import Path

import pytest

from epicat.fs.s3 import S3Files
from epicat.model import digest_of
from epicat.store.parquet import ParquetStore
from epicat.testing.doctor_contract import put_sound
from support import s3


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ParquetStore:
    """Give a sound store that no other test has."""
    if request.param == "bucket":
        request.getfixturevalue("server")
        url = f"s3://{s3.CATALOGS}/{digest_of(request.node.nodeid)}"
        made = ParquetStore(S3Files(url), create=True)
    else:
        made = ParquetStore(tmp_path / "store", create=True)
    put_sound(made)
    return made
