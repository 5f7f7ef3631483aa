from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from epicat.errors import InputError
from epicat.velocity.layers import LayerModel, read_layers

GRADIENT = LayerModel((0.0, 10.0, 30.0), (4.0, 6.0, 8.0), (2.0, 3.5, 4.5))
STEPS = LayerModel((0.0, 10.0, 30.0), (4.0, 6.0, 8.0), (2.0, 3.5, 4.5), constant=True)
ROWS = "0 4 2\n10 6 3.5\n30 8 4.5\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "model.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_nodes_are_joined_by_lines() -> None:
    depths = np.array([-3.0, 0.0, 5.0, 10.0, 20.0, 30.0, 100.0])
    assert GRADIENT.velocity(depths, "P").tolist() == [4, 4, 5, 6, 7, 8, 8]
    assert GRADIENT.velocity(depths, "S").tolist() == [2, 2, 2.75, 3.5, 4, 4.5, 4.5]


def test_layers_are_uniform_and_begin_at_their_row() -> None:
    depths = np.array([[-3.0, 0.0, 9.999], [10.0, 29.0, 30.0]])
    assert STEPS.velocity(depths, "P").tolist() == [[4, 4, 4], [6, 6, 8]]


def test_a_digest_tells_models_apart() -> None:
    assert GRADIENT.digest == LayerModel((0, 10, 30.0), (4.0, 6, 8), (2.0, 3.5, 4.5)).digest
    assert GRADIENT.digest != STEPS.digest
    assert GRADIENT.digest != LayerModel((0.0, 10.0, 30.0), (4.0, 6.0, 8.0), (2.0, 3.5, 4.4)).digest


@pytest.mark.parametrize(
    "text",
    [
        ROWS,
        "0,4,2\n10,6,3.5\n30,8,4.5\n",
        "0, 4, 2\r\n10, 6, 3.5\r\n30, 8, 4.5\r\n",
        "depth vp vs\n" + ROWS,
        "\ufeffDepth,Vp,Vs\n0.000,4.000,2\n10,6,3.5\n30,8,4.5\n",
        '"Vs (km/s)","Depth (km)","Vp (km/s)"\n2,0,4\n3.5,10,6\n4.5,30,8\n',
        "z\trho\tP\tS\n0\t2.6\t4\t2\n10\t2.7\t6\t3.5\n30\t3.3\t8\t4.5\n",
        "# depth vp vs\n\n0 4 2 # the top\n   \n10 6 3.5\n#\n30 8 4.5",
        "0 4 2 2.6\n10 6 3.5 2.7\n30 8 4.5 3.3\n",
        "VP_km_s vs_km/s DEPTH_KM\n4e0 2 0\n6 3.5 1e1\n8 4.5 30\n",
    ],
)
def test_every_usual_way_of_writing_a_model_is_read(tmp_path: Path, text: str) -> None:
    assert read_layers(written(tmp_path, text)) == GRADIENT
    assert read_layers(written(tmp_path, text), constant=True) == STEPS


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no rows"),
        ("# nothing\n\n", "no rows"),
        ("depth vp vs\n", "no rows"),
        ("depth vp rho\n0 4 2\n", "line 1: the column vs is missing among depth, vp, rho"),
        ("depth_m,vp_m_s,vs_m_s\n0,4,2\n", "column depth is missing among depth_m, vp_m_s"),
        ("depth z vp vs\n0 0 4 2\n", "column depth is there twice"),
        ("0 4 2\n10 6\n", r"line 2: 2 values \(10 6\), at least 3 are needed"),
        ("vs,vp,depth\n2,4\n", "line 2: 2 values"),
        ("0 4 2\n\n10 6 fast\n", "line 3: vs is 'fast', which is not a finite number"),
        ("0,4,2\n10,,3\n", "line 2: vp is ''"),
        ("0 nan 2\n", "line 1: vp is 'nan'"),
        ("-inf 4 2\n", "line 1: depth is '-inf'"),
        ("0 4 2\n10 6 3\n5 7 4\n", "line 3: depth is 5 km after 10 km.*sort the rows"),
        ("0 4 2\n10 4 2\n10 6 3\n", "line 3: depth is 10 km.*--velocity-layers constant"),
        ("0 0 2\n", "line 1: vp is 0, it must be above 0"),
        ("0 1.5 0\n", "line 1: vs is 0, it must be above 0 km/s; leave out water"),
        ("0 4 -2\n", "line 1: vs is -2"),
        ("0 4 4\n", "line 1: vs is 4 and vp 4, vs must be smaller"),
        ("0 2 4\n", "columns swapped"),
        ("0 4000 2000\n", "line 1: vp is 4000.*are these m/s"),
        ("0 4 2\n10000 6 3\n", "line 2: depth is 10000.*are these m[?]"),
    ],
)
def test_a_bad_model_is_refused_with_file_line_and_value(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(InputError, match=said) as caught:
        read_layers(written(tmp_path, text))
    assert "model.txt" in str(caught.value)


def test_repeated_depths_are_refused_for_steps_without_the_hint(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 2: depth is 0 km after 0 km") as caught:
        read_layers(written(tmp_path, "0 4 2\n0 6 3\n"), constant=True)
    assert "--velocity-layers" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.txt cannot be read"):
        read_layers(tmp_path / "none.txt")
    with pytest.raises(InputError, match="cannot be read"):
        read_layers(tmp_path)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00\xd8")
    with pytest.raises(InputError, match="cannot be read"):
        read_layers(tmp_path / "binary")


def test_the_model_of_holuhraun_is_read(realdata: Path) -> None:
    model = read_layers(realdata / "holuhraun" / "velocity_model.txt")
    assert (model.depth_km[0], model.vp[0], model.vs[0]) == (-3.0, 1.5, 0.843)
    assert (model.depth_km[-1], model.vp[-1], model.vs[-1]) == (42.0, 7.4, 4.157)
    assert len(model.depth_km) == 19


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        (((), (), ()), "0 depths, 0 vp and 0 vs"),
        (((0, 5), (5.0,), (3.0, 3.2)), "2 depths, 1 vp and 2 vs"),
        (((0, 0), (5.0, 6.0), (3.0, 3.2)), "depth 0 km after 0 km"),
        (((float("nan"),), (5.0,), (3.0,)), "depth nan km"),
        (((0,), (5.0,), (5.0,)), "vp 5 and vs 5 km/s"),
        (((0,), (5.0,), (0.0,)), "vp 5 and vs 0 km/s"),
        (((0,), (float("inf"),), (3.0,)), "vp inf"),
    ],
)
def test_a_model_that_cannot_be_is_refused(columns, problem) -> None:
    with pytest.raises(InputError, match=problem):
        LayerModel(*columns)
