from __future__ import annotations

from typing import get_args

import pytest

from epicat.campaign.pick_run import PickRun
from epicat.errors import InputError
from epicat.model import Filter
from epicat.pick.pick_options import Precision
from epicat.pick.picker import PickerInfo, PickOptions
from support.tiny_bundle import INFO

AS_EVER = "gxpbjnscysxiw3ye"  # since before there was a choice
BANDPASS = Filter("bandpass", 1.0, 45.0, 2, True)


def run_of(p: float | None = None, s: float | None = None, **changes: object) -> PickRun:
    options = PickOptions(p_threshold=p, s_threshold=s)
    return PickRun.from_options(INFO.model_copy(update=changes), options)


def test_what_makes_another_run() -> None:
    runs = [
        run_of(),
        run_of(p=0.2),
        run_of(filters={"Z": BANDPASS}),
        run_of(filters={"Z": Filter("bandpass", 1.0, 45.0, 2, False)}),
        run_of(component_order="ZNEH"),
        run_of(phases=("P", "S", "N")),
        run_of(metadata_sha256="2" * 64),
    ]
    assert len({run.digest for run in runs}) == len(runs)


def test_what_does_not() -> None:
    same = run_of(version="9", about="Better words.", made_with={"torch": "3"}, weight="copy")
    assert same.digest == run_of().digest
    read_back = PickRun.model_validate_json(run_of(filters={"Z": BANDPASS}).model_dump_json())
    assert read_back == run_of(filters={"Z": BANDPASS})
    assert read_back.digest == run_of(filters={"Z": BANDPASS}).digest


def test_filters_widen_the_halo() -> None:
    windows = 4 * INFO.samples / INFO.sampling_rate
    assert run_of().halo_ns == round(windows * 1e9)
    filters = {"Z": BANDPASS, "H": Filter("highpass", 0.5, None, 2, True)}
    assert run_of(filters=filters).halo_ns == round((windows + 110) * 1e9)


def test_a_picker_of_one_phase() -> None:
    run = run_of(thresholds={"P": 0.3})
    assert run.thresholds == {"P": 0.3}
    assert run.s_threshold is None
    assert run_of(p=0.5, thresholds={"P": 0.3}).thresholds == {"P": 0.5}
    with pytest.raises(InputError, match=r"S threshold 0\.4: PhaseNet picks no S"):
        run_of(s=0.4, thresholds={"P": 0.3})


def test_phases_may_be_given_as_letters() -> None:
    info = PickerInfo(**INFO.model_dump() | {"phases": "NPS"})
    assert info.phases == ("N", "P", "S")


def test_fewer_bits_are_another_run_and_32_are_as_ever() -> None:
    found = {
        p: PickRun.from_options(INFO, PickOptions(precision=p)).digest for p in get_args(Precision)
    }
    assert len(set(found.values())) == len(found) == 4
    assert found["f32"] == PickRun.from_options(INFO, PickOptions()).digest == AS_EVER
