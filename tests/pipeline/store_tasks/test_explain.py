from __future__ import annotations

import pytest

from epicat.association.associate_options import PyOctoOptions
from epicat.errors import InputError
from epicat.pipeline.store_tasks.explain import explain
from epicat.time import SECOND_NS, iso
from support.exact_picks import associating
from support.tiny_network import truths

SECONDS = [60, 120]


@pytest.fixture
def campaign_and_store(tmp_path):
    return associating(tmp_path, truths(SECONDS))


def test_an_event_is_explained_pick_by_pick(campaign_and_store):
    (event, _) = truths(SECONDS)
    lines = list(explain(*campaign_and_store, iso(event.time_ns + SECOND_NS // 2)))
    assert lines[1] == "1 events within 30 s"
    assert "8 P, 8 S" in lines[2]
    joined = [line for line in lines if "joined, residual" in line]
    assert len(joined) == 16
    assert lines[4].split()[0] in joined[0]  # nearest first


def test_a_time_without_an_event_says_what_is_there(campaign_and_store):
    (event, _) = truths(SECONDS)
    lines = list(explain(*campaign_and_store, iso(event.time_ns - 40 * SECOND_NS)))
    assert lines[1] == "0 events within 30 s"
    assert "no event within 5 s" in lines[2]
    assert "an event needs 8 picks" in lines[-1]


def test_a_missed_event_says_what_it_lacks(tmp_path):
    campaign, store = associating(tmp_path, truths(SECONDS), pyocto=PyOctoOptions(n_picks=17))
    (event, _) = truths(SECONDS)
    text = "\n".join(explain(campaign, store, iso(event.time_ns)))
    assert "at best 16 of them fit one hypocenter, 8 sites with both" in text
    assert "an event needs 17 picks" in text


def test_what_is_neither_a_time_nor_an_event_is_refused(campaign_and_store):
    with pytest.raises(InputError, match="0 events of associator"):
        list(explain(*campaign_and_store, "abcdef"))
