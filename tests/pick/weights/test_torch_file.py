"""PyTorch's files without PyTorch: the same arrays, or a refusal with the reason."""

from __future__ import annotations

import pickle
import time
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from epicat.errors import ModelError
from epicat.pick.weights.read import read_tensors
from epicat.pick.weights.restricted_pickle import PickleError, read_restricted_pickle
from support.torch_file import (
    archive,
    described,
    name,
    number,
    numbers,
    tensor,
    text,
    torch_file,
    write_torch_file,
)

Arrays = dict[str, NDArray[Any]]


def some_arrays(seed: int = 0) -> Arrays:
    rng = np.random.default_rng(seed)
    return {
        "conv.weight": rng.normal(size=(4, 3, 7)).astype(np.float32),
        "conv.bias": rng.normal(size=4).astype(np.float32),
        "bn.running_var": rng.uniform(size=4),
        "bn.num_batches_tracked": np.array(17),
        "half": rng.normal(size=(2, 5)).astype(np.float16),
        "empty": np.zeros((0, 3), np.float32),
    }


def assert_same(found: Arrays, expected: Arrays) -> None:
    assert list(found) == list(expected)
    for key, array in expected.items():
        assert (found[key].dtype, found[key].shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(found[key], array)


def test_arrays_are_read_as_they_were_written(tmp_path: Path) -> None:
    arrays = some_arrays()
    write_torch_file(tmp_path / "a.pt", arrays)
    assert_same(read_tensors(tmp_path / "a.pt"), arrays)


def test_files_of_pytorch_are_read_as_pytorch_reads_them(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    base = torch.arange(24.0).reshape(4, 6)
    saved = {
        "transposed": base.t(),
        "part": base[1:, 2:],
        "every other": base[:, ::2],
        "scalar": torch.tensor(3),
        "bf16": torch.tensor([1.0, -2.5, 3e38]).bfloat16(),
        "empty": torch.empty(0, 2),
        "parameter": torch.nn.Parameter(base),
        "double": base.double(),
        "bool": base > 3,
        "half": base.half(),
    }
    for protocol in (2, 3, 4, 5):
        torch.save(saved, tmp_path / "a.pt", pickle_protocol=protocol)
        found = read_tensors(tmp_path / "a.pt")
        assert list(found) == list(saved)
        for key, values in saved.items():
            expected = values.detach().float() if key == "bf16" else values.detach()
            np.testing.assert_array_equal(found[key], expected.numpy())
            assert found[key].dtype == expected.numpy().dtype


def test_the_state_of_a_module_is_read(tmp_path: Path) -> None:
    """An ordered dictionary that carries the versions of its modules."""
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(torch.nn.Conv1d(3, 4, 7), torch.nn.BatchNorm1d(4))
    torch.save(module.state_dict(), tmp_path / "a.pt")
    expected = {key: value.numpy() for key, value in module.state_dict().items()}
    assert_same(read_tensors(tmp_path / "a.pt"), expected)


def test_real_weights_are_read(realdata: Path) -> None:
    torch = pytest.importorskip("torch")
    for path in sorted((realdata / "weights").rglob("*.pt.*")):
        expected = torch.load(path, weights_only=True)
        assert_same(read_tensors(path), {k: v.numpy() for k, v in expected.items()})


def test_big_endian_numbers_are_read(tmp_path: Path) -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    records = {"data.pkl": described({"a": array}), "byteorder": b"big"}
    records["data/0"] = array.astype(">f4").tobytes()
    (tmp_path / "a.pt").write_bytes(archive(records))
    assert_same(read_tensors(tmp_path / "a.pt"), {"a": array})


# --- nothing is run


class Call:
    """Is pickled as a call."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self._call = function, arguments

    def __reduce__(self) -> Any:
        return self._call


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "make", [lambda trace: Call(Path.touch, trace), lambda trace: Call(exec, f"open({trace!r})")]
)
def test_calls_are_refused_by_name(make: Any, protocol: int, tmp_path: Path) -> None:
    trace = tmp_path / "was-here"
    body = pickle.dumps({"a": make(str(trace) if protocol else trace)}, protocol=protocol)
    (tmp_path / "a.pt").write_bytes(archive({"data.pkl": body}))
    with pytest.raises(ModelError, match="nothing in it was run") as caught:
        read_tensors(tmp_path / "a.pt")
    if protocol > 1:
        assert "it refers to" in str(caught.value)
    assert not trace.exists()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (name("os", "system") + b".", "refers to os.system"),
        (text("os") + text("system") + b"\x93.", "refers to os.system"),
        (name("torch", "load") + b".", "refers to torch.load"),
        (name("torch._utils", "_rebuild_tensor_v2") + b")R.", "tensor is not described"),
        (name("torch", "FloatStorage") + b")R.", "calls torch.FloatStorage"),
        (text("x") + b")R.", "calls str"),
        (b"}(K\x01K\x02K\x03u.", "a value is missing"),
        (b"}((lK\x01s.", "key of type list|instruction LIST"),
        (b"}K\x01s.", "missing"),
        (b"\x8f.", "instruction EMPTY_SET"),
        (b"i" + b"os\nsystem\n.", "instruction INST"),
        (b"", "exhausted"),
        (b"h\x07.", "missing"),
        (b"t.", "mark is missing"),
        (b"(.", "value is missing"),
        (b"X\xff\xff\xff\x7fabc.", "damaged"),
        (b"N" * 1_000_002 + b".", "more than 1000000 instructions"),
    ],
)
def test_programs_that_make_no_tensors_are_refused(body: bytes, reason: str) -> None:
    with pytest.raises(PickleError, match=reason):
        read_restricted_pickle(body)


# --- bounds


def file_with(view: bytes, storage: bytes = b"\0" * 24) -> bytes:
    return archive({"data.pkl": b"\x80\x02}" + text("a") + view + b"s.", "data/0": storage})


def view(offset: int, shape: tuple[int, ...], strides: tuple[int, ...], numel: int = 6) -> bytes:
    store = (
        b"(" + text("storage") + name("torch", "FloatStorage") + text("0") + text("cpu")
        + number(numel) + b"tQ"
    )  # fmt: skip
    return (
        name("torch._utils", "_rebuild_tensor_v2") + b"(" + store + number(offset)
        + numbers(shape) + numbers(strides) + b"\x89" + name("collections", "OrderedDict")
        + b")RtR"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (file_with(view(1, (2, 3), (3, 1))), "reaches out of its storage"),
        (file_with(view(0, (2, 3), (4, 1))), "reaches out of its storage"),
        (file_with(view(-1, (2,), (1,))), "negative"),
        (file_with(view(0, (-2,), (1,))), "negative"),
        (file_with(view(0, (2,), (-1,))), "negative"),
        (file_with(view(0, (2, 3), (1,))), "2 lengths and 1 strides"),
        (file_with(view(0, (1,) * 9, (1,) * 9)), "9 lengths"),
        (file_with(view(0, (1 << 20, 1 << 10), (0, 0))), "reaches out of its storage"),
        (file_with(view(9, (0,), (1,))), "begins after its storage"),
        (file_with(view(0, (7,), (1,), 7)), "has 24 bytes, not 7 numbers"),
        (file_with(view(0, (2,), (1,), -6)), "storage is not described"),
        (file_with(b"K\x07"), "'a' is a int, not a tensor"),
        (archive({"data.pkl": b"\x80\x02]."}), "holds a list, not a dictionary"),
        (archive({"data.pkl": b"\x80\x02}K\x01K\x02s."}), "a tensor has the name 1|not a tensor"),
        (archive({"data.pkl": described({"a": np.ones(2)})}), "no record 'data/0'"),
        (archive({"other": b""}), "one data.pkl is expected"),
        (archive({"data.pkl": b"N" * (5 << 20)}), "larger than"),
    ],
)
def test_views_stay_inside_their_storages(body: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(body)
    with pytest.raises(ModelError, match=reason) as caught:
        read_tensors(tmp_path / "a.pt")
    assert "\n" not in str(caught.value)


def test_compressed_records_are_refused_whatever_they_expand_to(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.pt", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("archive/data.pkl", bytes(100 << 20))
    with pytest.raises(ModelError, match="is compressed"):
        read_tensors(tmp_path / "a.pt")


def test_a_record_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.pt", "w") as file:
        file.writestr("archive/data.pkl", b"N.")
        with pytest.warns(UserWarning, match="Duplicate name"):
            file.writestr("archive/data.pkl", b"N.")
    with pytest.raises(ModelError, match="is there twice"):
        read_tensors(tmp_path / "a.pt")


def test_many_views_of_one_storage_do_not_fill_the_memory(tmp_path: Path) -> None:
    one = view(0, (1 << 20,), (1,), 1 << 20)
    items = b"".join(text(str(i)) + one for i in range(1000))
    body = archive({"data.pkl": b"\x80\x02}(" + items + b"u.", "data/0": bytes(4 << 20)})
    (tmp_path / "a.pt").write_bytes(body)
    with pytest.raises(ModelError, match="far larger than the file"):
        read_tensors(tmp_path / "a.pt")


# --- mutations


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """Change a file in one of the ways in which files are damaged, or attacked."""
    body, at = bytearray(data), int(rng.integers(len(data)))
    kind = rng.integers(6)
    if kind == 0:
        body[at] ^= 1 << int(rng.integers(8))
    elif kind == 1:
        del body[at:]
    elif kind == 2:
        del body[at : at + int(rng.integers(1, 200))]
    elif kind == 3:
        body[at:at] = rng.bytes(int(rng.integers(1, 200)))
    elif kind == 4:
        size = int(rng.integers(1, 64))
        body[at : at + size] = rng.bytes(size)
    else:
        other, size = int(rng.integers(len(data))), int(rng.integers(1, 500))
        body[at : at + size] = body[other : other + size]
    return bytes(body)


def assert_refused_or_equal(path: Path, expected: Arrays) -> bool:
    began = time.monotonic()
    try:
        found = read_tensors(path)
    except ModelError as error:
        message = str(error)
        assert message.startswith(f"weights {str(path)!r} cannot be used: ")
        assert "\n" not in message
        return True
    finally:
        assert time.monotonic() - began < 5
    assert_same(found, expected)
    return False


def test_a_thousand_mutated_files_are_refused_or_read_the_same(tmp_path: Path) -> None:
    rng = np.random.default_rng(14)
    arrays = some_arrays()
    data, path = torch_file(arrays), tmp_path / "a.pt"
    refused = 0
    for _ in range(1000):
        path.write_bytes(mutated(data, rng))
        refused += assert_refused_or_equal(path, arrays)
    assert refused > 800


def test_mutated_pickles_in_sound_archives_are_refused_or_stay_in_bounds(tmp_path: Path) -> None:
    """Without the checksums of the archive: every way through the pickle's machine."""
    rng = np.random.default_rng(15)
    arrays = {"a": np.ones((2, 3), np.float32), "b": np.zeros(4)}
    records = {f"data/{key}": array.tobytes() for key, array in enumerate(arrays.values())}
    body, path = described(arrays), tmp_path / "a.pt"
    for _ in range(1000):
        path.write_bytes(archive({"data.pkl": mutated(body, rng), **records}))
        try:
            found = read_tensors(path)
        except ModelError:
            continue
        assert sum(array.nbytes for array in found.values()) <= 8 * path.stat().st_size


@pytest.mark.parametrize("seed", [16])
def test_mutated_real_weights_are_refused_or_read_the_same(
    realdata: Path, tmp_path: Path, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    real = realdata / "weights" / "models" / "v3" / "phasenetlight" / "ethz.pt.v2"
    expected, data, path = read_tensors(real), real.read_bytes(), tmp_path / "a.pt"
    for _ in range(100):
        path.write_bytes(mutated(data, rng))
        assert_refused_or_equal(path, expected)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_pickle_or_refused(body: bytes) -> None:
    with suppress(PickleError):
        read_restricted_pickle(b"\x80\x02" + body + b".")


@given(st.lists(st.tuples(st.sampled_from([
    b"(", b"}", b"]", b")", b"t", b"\x85", b"\x86", b"\x87", b"s", b"u", b"a", b"e", b"R", b"b",
    b"Q", b"0", b"N", b"\x88", b"q\x01", b"h\x01", b"K\x02", text("storage"),
    name("torch", "FloatStorage"), name("collections", "OrderedDict"), name("torch", "Size"),
    name("torch._utils", "_rebuild_tensor_v2"), tensor("0", np.ones(3, np.float32)),
])), max_size=40))  # fmt: skip
def test_any_program_of_admitted_instructions_ends(parts: list[tuple[bytes]]) -> None:
    with suppress(PickleError):
        read_restricted_pickle(b"".join(part for (part,) in parts) + b".")
