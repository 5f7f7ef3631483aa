"""What is read off the models of options, and what must hold for all of them."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from epicat._util.option_models import Assigned, Place, Shown, options_of, tables_of
from epicat.campaign.options import AssociationOptions, CampaignOptions, ImportOptions, StoreOptions


class Inner(BaseModel):
    n: int = Field(default=3, ge=1, le=9)


class Middle(BaseModel):
    m: bool = False
    inner: Inner = Field(default_factory=Inner, title="Inside the middle")


class Outer(BaseModel):
    """About the outer one."""

    model_config = ConfigDict(title="Outside")

    word: Literal["a", "b"] = "a"
    depth_km: Annotated[float | None, Shown(metavar="KM")] = Field(
        default=None, alias="depth", gt=0, description="How deep.", examples=[5.0]
    )
    names: tuple[str, ...] = ()
    inner: Inner = Field(default_factory=Inner, title="Inside", description="About the inner one.")
    more: Annotated[Middle, Assigned("n=5")] = Field(default_factory=Middle, title="More")
    file: Annotated[str, Place()]


def test_options_and_tables() -> None:
    top, inner, more, below = tables_of(Outer)
    assert (top.path, top.title, top.description) == ((), "Outside", "About the outer one.")
    assert (inner.path, inner.title, inner.description) == (
        ("inner",), "Inside", "About the inner one.",
    )  # fmt: skip
    assert (more.assigned, more.flag, below.assigned) == (Assigned("n=5"), "--more", None)
    assert list(options_of(Outer)) == [
        ("word",), ("depth",), ("names",), ("file",),
        ("inner", "n"), ("more", "m"), ("more", "inner", "n"),
    ]  # fmt: skip


def test_what_an_option_is() -> None:
    word, depth, names, file, n, m, deep = options_of(Outer).values()
    assert (word.kind, word.choices, word.default) == ('"a" or "b"', ("a", "b"), "a")
    assert (depth.kind, depth.flag, depth.default) == ("number, above 0", "--depth", None)
    assert (depth.example, depth.shown.metavar) == (5.0, "KM")
    assert (names.kind, names.is_list, names.default) == ("list of texts", True, ())
    assert (file.is_required, file.default, file.kind) == (True, None, "text")
    assert file.place is not None
    assert depth.place is None
    assert (n.dotted, n.kind, n.example) == ("inner.n", "whole number, at least 1, at most 9", 3)
    assert (n.flag, m.flag, deep.flag) == ("--n", "--more m", "--n")


def test_pyoctos_parameters_are_one_flag() -> None:
    flags = {table.path for table in tables_of(CampaignOptions) if table.assigned}
    assert flags == {("associate", "pyocto")}
    assert options_of(CampaignOptions)["associate", "pyocto", "n_picks"].flag == "--pyocto n_picks"


@pytest.mark.parametrize(
    "model", [CampaignOptions, AssociationOptions, StoreOptions, ImportOptions]
)
def test_no_two_flags_have_one_name(model: type[BaseModel]) -> None:
    keys = [o.key for table in tables_of(model) if not table.assigned for o in table.options]
    keys += [table.path[-1] for table in tables_of(model) if table.assigned]
    keys += ["campaign", "context", "given", "recheck", "as_json", "json", "words", "force"]
    assert [key for key, count in Counter(keys).items() if count > 1] == []


@pytest.mark.parametrize(
    "model", [CampaignOptions, AssociationOptions, StoreOptions, ImportOptions]
)
def test_every_option_is_described_and_has_a_default_or_an_example(model: type[BaseModel]) -> None:
    for table in tables_of(model):
        assert table.description
        assert table.title or not table.path
        for option in table.options:
            assert option.description.endswith("."), option.dotted
            # Square brackets would be markup in --help
            assert "[" not in option.description, option.dotted
            assert "--" not in option.description, option.dotted
            assert option.example is not None or model is ImportOptions, option.dotted


def test_what_commands_share_is_the_same_everywhere() -> None:
    everything = options_of(CampaignOptions)
    for model in (AssociationOptions, StoreOptions):
        for path, option in options_of(model).items():
            if path != ("run",):
                same = everything[path]
                assert (option.description, option.default) == (same.description, same.default)
