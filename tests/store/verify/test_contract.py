from __future__ import annotations

from pathlib import Path

from epicat.store.base import Store
from epicat.store.parquet import ParquetStore
from epicat.testing.doctor_contract import DoctorContract


class TestDoctorOfParquet(DoctorContract):
    def make_store(self, location: Path) -> Store:
        return ParquetStore(location, create=True)
