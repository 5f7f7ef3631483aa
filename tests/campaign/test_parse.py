from __future__ import annotations

import pytest

from epicat.campaign.options import AssociationOptions, CampaignOptions, StoreOptions
from epicat.campaign.parse import Given, check, make_options, without_password
from epicat.errors import InputError

LEAST = {
    ("start",): "2019.172",
    ("end",): "2019.182",
    ("extent",): "39,41,-125,-123",
    ("archive",): "ncedc",
    ("stations",): "ncedc",
    ("store",): "out",
}


def values(changes=(), by="c.toml: "):
    return {path: Given(v, by + ".".join(path)) for path, v in {**LEAST, **dict(changes)}.items()}


def refusal(changes, by="c.toml: "):
    with pytest.raises(InputError) as caught:
        make_options(CampaignOptions, values(changes, by))
    return str(caught.value)


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("pick", "p_threshold"), 2, "pick.p_threshold is 2: it must be less than 1"),
        (("pick", "p_threshold"), "0.2", "pick.p_threshold is '0.2', but must be: number, above 0"),
        (("pick", "s_threshold"), True, "pick.s_threshold is True, but must be: number"),
        (("pick", "model"), 3, "pick.model is 3, but must be: text"),
        (("associate", "margin"), "no", "associate.margin is 'no', but must be: number"),
        (("associate", "velocity_layers"), "gradnt", "did you mean gradient? Choose from constant"),
        (("associate", "block_hours"), 0, "associate.block_hours is 0: it must be greater than 0"),
        (("associate", "pyocto", "n_picks"), 8.5, "n_picks is 8.5, but must be: whole number"),
        (("associate", "pyocto", "second_pass_overwrites"), {"n": 1}, "unknown parameters n"),
        (
            ("partition", "workers"),
            0,
            "partition.workers is 0: it must be greater than or equal to 1",
        ),
        (("select",), "NC.*", "select is 'NC.*', but must be: list of texts"),
        (("select",), ("NC.*", 3), "select is 3, but must be: list of texts"),
        (("extent",), "41,39,-125,-123", "extent: extent '41,39,-125,-123': latitudes 41 and 39"),
        (("network",), "N.C", "network is 'N.C', but must be: up to 8 letters and digits"),
        (("network",), "NINELONGS", "network is 'NINELONGS', but must be: up to 8 letters"),
        (("name",), "a b", "name is 'a b', but must be: up to 64 letters, digits"),
        (("end",), "2019.172", "end: END '2019.172' is not after START '2019.172'"),
    ],
)
def test_what_cannot_be_used_is_told_with_who_gave_it_and_what_is_allowed(path, value, told):
    message = refusal({path: value})
    assert told in message
    assert message.startswith("c.toml: ")


def test_everything_is_told_at_once():
    message = refusal({("pick", "p_threshold"): 2, ("partition", "workers"): 0, ("start",): "x"})
    assert message.startswith("invalid options:\n")
    assert len(message.splitlines()) == 4


def test_what_is_missing_is_told_with_its_flag():
    given = values()
    del given["archive",]
    with pytest.raises(
        InputError, match=r"^--archive is missing, here or in a campaign file: Root"
    ):
        make_options(CampaignOptions, given)
    check(CampaignOptions, given)
    with pytest.raises(InputError, match=r"less than 1$"):
        check(CampaignOptions, given | {("pick", "p_threshold"): Given(2, "--p-threshold")})


def test_other_commands_leave_alone_what_they_do_not_need():
    given = values({("pick", "p_threshold"): 2, ("associate", "p_velocity"): 6})
    assert make_options(StoreOptions, given).store == "out"
    made = make_options(AssociationOptions, given)
    assert (made.associate.p_velocity, made.run) == (6.0, "")


def test_passwords_are_left_out():
    assert without_password("mongodb://me:hush@host/db") == "mongodb://...@host/db"
    assert without_password("s3://bucket/a@b") == "s3://bucket/a@b"
    message = refusal({("pick", "model"): ("mongodb://me:hush@host",)})
    assert "hush" not in message
