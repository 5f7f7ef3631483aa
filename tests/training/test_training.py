"""The training itself, in miniature: it goes on where it stopped and keeps what it writes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from epicat.pick.openvino.picker import OpenVinoPicker

torch = pytest.importorskip("torch")
pytest.importorskip("seisbench.models")

from training.fit import Schedule, fit, load_average  # noqa: E402 - need torch
from training.pool import PER_FILE, pool_file  # noqa: E402
from training.records import SAMPLES  # noqa: E402
from training.ship import in_half_precision, ship  # noqa: E402
from training.student import load_student, new_student, write_pair  # noqa: E402

PAIR = Path(__file__).parents[2] / "weights" / "epicat-mini"
SHORT = Schedule(steps=4, batch=4, every=2, first_files=1, all_files=1)


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a pool of one file, whose records are bursts with P at their beginning."""
    folder = tmp_path_factory.mktemp("pool")
    rng = np.random.default_rng(1)
    data = rng.standard_normal((PER_FILE, 3, SAMPLES)).astype(np.float16)
    data[:, :, 3000:3400] *= 20
    target = np.zeros((PER_FILE, 2, SAMPLES), np.uint8)
    target[:, 0, 2980:3020] = 200
    np.savez(pool_file(folder, 0), data=data, target=target)
    return folder


def weights(checkpoint: Path) -> list[np.ndarray]:
    return [value.numpy() for value in load_average(checkpoint).state_dict().values()]


def test_it_goes_on_where_it_stopped(pool: Path, tmp_path: Path) -> None:
    fit(pool, tmp_path / "whole.ckpt", SHORT)

    def stop(text: str) -> None:
        raise KeyboardInterrupt(text)

    with pytest.raises(KeyboardInterrupt, match="step 2 of 4"):
        fit(pool, tmp_path / "parts.ckpt", SHORT, say=stop)
    fit(pool, tmp_path / "parts.ckpt", SHORT)
    pairs = zip(weights(tmp_path / "whole.ckpt"), weights(tmp_path / "parts.ckpt"), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)


def test_sixteen_bits_hold_what_it_learned(pool: Path, tmp_path: Path) -> None:
    fit(pool, tmp_path / "student.ckpt", SHORT)
    model = load_average(tmp_path / "student.ckpt")
    windows = np.random.default_rng(2).standard_normal((4, 3, 3001)).astype(np.float32)
    before = probabilities(model, windows)
    small = in_half_precision(model)
    after = probabilities(small, windows)
    np.testing.assert_allclose(after, before, atol=2e-3)

    pair = write_pair(small, tmp_path / "small", {"P": 0.25, "S": 0.35})
    loaded = type(model).load(tmp_path / "small").eval()
    np.testing.assert_array_equal(probabilities(loaded, windows), after)
    bundle = ship(pair, tmp_path / "bundle")
    assert bundle.info.thresholds == {"P": 0.25, "S": 0.35}
    found = OpenVinoPicker(bundle).probabilities(windows)
    np.testing.assert_allclose(found, after[:, bundle.info.picked_rows], atol=2e-5)
    plain = sum(v.nbytes for v in weights(tmp_path / "student.ckpt"))
    assert sum(f.stat().st_size for f in bundle.folder.glob("*.bin")) < 0.52 * plain


def test_refinement_begins_with_the_given_weights(pool: Path, tmp_path: Path) -> None:
    fit(pool, tmp_path / "student.ckpt", replace(SHORT, rate=1e-3, start=PAIR))
    before, after = (
        load_student(PAIR).state_dict(),
        load_average(tmp_path / "student.ckpt").state_dict(),
    )
    assert not torch.equal(after["inc.weight"], before["inc.weight"])
    torch.testing.assert_close(after["inc.weight"], before["inc.weight"], atol=2e-3, rtol=0)
    kept = [name for name in before if name.endswith(("running_mean", "running_var"))]
    assert kept
    assert all(torch.equal(after[name], before[name]) for name in kept)


def probabilities(model: object, windows: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        found = model(model.annotate_batch_pre(torch.from_numpy(windows), {}))  # type: ignore[operator,attr-defined]
    return np.asarray(found.numpy())


def test_the_student_begins_with_random_weights() -> None:
    torch.manual_seed(1)
    one = new_student().state_dict()
    torch.manual_seed(2)
    other = new_student().state_dict()
    assert not torch.equal(one["inc.weight"], other["inc.weight"])
