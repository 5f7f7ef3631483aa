"""Station terms in a store."""

from __future__ import annotations

from pathlib import Path

import pytest

from epicat.errors import InputError, StoreError
from epicat.store import terms as module
from epicat.store.names import give_name
from epicat.store.parquet import ParquetStore
from epicat.store.terms import (
    StaticTerm,
    StoredTerms,
    choose_terms,
    put_terms,
    station_terms,
    stored_terms,
    terms_data,
)

FOUND = StoredTerms(
    "abcd",
    (),
    "assoc",
    60,
    (StaticTerm("S1", "P", 0.1, 0.02, 40.0), StaticTerm("S1", "S", 0, 1, 0)),
    "a-model",
)


@pytest.fixture
def store(tmp_path: Path) -> ParquetStore:
    return ParquetStore(tmp_path / "store", create=True)


@pytest.mark.parametrize("size", [1, 7, 5000])
def test_terms_come_back_in_whatever_pieces(store, monkeypatch, size):
    monkeypatch.setattr(module, "_PIECE", size)
    data = bytes(range(256)) * (4 if size < 5000 else 100)
    put_terms(store, FOUND, data)
    assert stored_terms(store) == stored_terms(store, "assoc") == [FOUND]
    assert stored_terms(store, "other") == []
    assert terms_data(store, "abcd") == data
    assert station_terms([FOUND]).to_pylist()[0] == {
        "terms": "abcd", "site": "S1", "phase": "P", "value_s": 0.1, "error_s": 0.02, "n": 40.0,
    }  # fmt: skip


def test_terms_are_found_by_name_and_digest(store):
    put_terms(store, FOUND, b"data")
    give_name(store, "terms", "final", "abcd")
    assert choose_terms(store, "final") == choose_terms(store, "ab") == "abcd"
    assert stored_terms(store)[0].label == "final"
    with pytest.raises(InputError, match=r"no station terms 'x'; it has final \(abcd\)"):
        choose_terms(store, "x")
    with pytest.raises(StoreError, match="missing"):
        terms_data(store, "efgh")
