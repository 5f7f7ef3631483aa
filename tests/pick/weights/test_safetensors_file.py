"""Files in the safetensors format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from epicat.errors import ModelError
from epicat.pick.picker import PickOptions
from epicat.pick.resolve import prepare_bundle
from epicat.pick.weights.read import read_tensors

_NAMES = {"<f4": "F32", "<f8": "F64", "<f2": "F16", "<i8": "I64"}


def safetensors(arrays: dict[str, NDArray[Any]]) -> bytes:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    body = b""
    for name, array in arrays.items():
        data = array.tobytes()
        header[name] = {
            "dtype": _NAMES[array.dtype.str],
            "shape": list(array.shape),
            "data_offsets": [len(body), len(body) + len(data)],
        }
        body += data
    return with_header(header, body)


def with_header(header: Any, body: bytes) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


ARRAYS = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b": np.array(7, np.int64),
    "c": np.zeros((0, 4), np.float64),
    "d": np.array([1, 2], np.float16),
}


def test_arrays_are_read_as_they_were_written(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(safetensors(ARRAYS))
    found = read_tensors(tmp_path / "a.safetensors")
    assert list(found) == list(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)


def test_bfloat16_is_widened(tmp_path: Path) -> None:
    values = np.array([1.0, -2.5, 0.0], np.float32)
    data = (values.view(np.uint32) >> 16).astype("<u2").tobytes()
    header = {"a": {"dtype": "BF16", "shape": [3], "data_offsets": [0, 6]}}
    (tmp_path / "a.safetensors").write_bytes(with_header(header, data))
    np.testing.assert_array_equal(read_tensors(tmp_path / "a.safetensors")["a"], values)


def entry(**changes: Any) -> dict[str, Any]:
    return {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} | changes}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "header"),
        (b"\xff" * 8 + b"{}", "header claims"),
        (with_header([], b""), "not a JSON object"),
        ((2).to_bytes(8, "little") + b"{]", "."),
        ((14).to_bytes(8, "little") + b'{"a":1,"a":22}', "twice"),
        (with_header(entry(dtype="C64"), bytes(8)), "type 'C64'"),
        (with_header(entry(shape=[3]), bytes(8)), "has not the bytes"),
        (with_header(entry(shape=[-2]), bytes(8)), "shape"),
        (with_header(entry(shape=[1] * 9), bytes(8)), "shape"),
        (with_header(entry(data_offsets=[0, 4]), bytes(8)), "8 bytes of data"),
        (with_header(entry(data_offsets=[4, 12]), bytes(12)), "leave bytes unused"),
        (with_header(entry(data_offsets=[8, 0]), bytes(8)), "overlap"),
        (with_header({**entry(), "b": entry()["a"]}, bytes(8)), "overlap"),
        (with_header({"a": 1}, b""), "not described"),
        ((100_000).to_bytes(8, "little") + b"[" * 100_000, "."),
    ],
)
def test_damaged_files_are_refused(body: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(body)
    with pytest.raises(ModelError, match=rf"a\.safetensors' cannot be used: .*{reason}"):
        read_tensors(tmp_path / "a.safetensors")


@given(st.data())
def test_mutated_files_are_refused_or_keep_their_bounds(data: st.DataObject) -> None:
    body = bytearray(safetensors(ARRAYS))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at] = data.draw(st.integers(0, 255))
    path = Path("/tmp") / f"epicat-{id(data)}.safetensors"
    path.write_bytes(body)
    try:
        found = read_tensors(path)
    except ModelError:
        return
    finally:
        path.unlink()
    assert sum(array.nbytes for array in found.values()) <= len(body)


def test_the_same_weights_give_the_same_picker(
    realdata: Path, tmp_path: Path, own_cache: Path
) -> None:
    real = realdata / "weights" / "models" / "v3" / "phasenetlight"
    (tmp_path / "my.json").write_bytes((real / "ethz.json.v2").read_bytes())
    (tmp_path / "my.pt").write_bytes((real / "ethz.pt.v2").read_bytes())
    arrays = read_tensors(tmp_path / "my.pt")
    (tmp_path / "my.safetensors").write_bytes(safetensors(arrays))
    bundles = [
        prepare_bundle(PickOptions(model="PhaseNetLight", weight=str(tmp_path / name)))
        for name in ("my.pt", "my.safetensors")
    ]
    assert bundles[0].folder != bundles[1].folder
    graphs = [bundle.graph.with_suffix(".bin").read_bytes() for bundle in bundles]
    assert graphs[0] == graphs[1]
