from __future__ import annotations

import numpy as np
import pytest

from epicat._util.files import cache_folder
from epicat.association.associate_options import PyOctoOptions
from epicat.association.associator import Associator
from epicat.association.quality import CatalogQuality
from epicat.campaign.options import Partition
from epicat.errors import InputError
from epicat.pipeline.runner import make_plan
from epicat.pipeline.store_tasks.explain import explain
from epicat.pipeline.worker import Worker
from epicat.store.base import Where
from epicat.time import SECOND_NS, iso
from support.exact_picks import associating
from support.tiny_network import truths

SECONDS = [60, 120]


def store_events(campaign, store):
    worker = Worker(campaign)
    for unit in make_plan(campaign, Partition(), store, recheck=False).associating:
        worker.work(unit)


@pytest.fixture
def campaign_and_store(tmp_path):
    return associating(tmp_path, truths(SECONDS))


def test_an_event_is_explained_pick_by_pick(campaign_and_store):
    (event, _) = truths(SECONDS)
    lines = list(explain(*campaign_and_store, iso(event.time_ns + SECOND_NS // 2)))
    assert lines[1] == "1 event within 30 s"
    assert "8 P, 8 S" in lines[2]
    joined = [line for line in lines if "joined, residual" in line]
    assert len(joined) == 16
    assert lines[4].split()[0] in joined[0]  # nearest first


def test_a_time_without_an_event_says_what_is_there(campaign_and_store):
    (event, _) = truths(SECONDS)
    lines = list(explain(*campaign_and_store, iso(event.time_ns - 31 * SECOND_NS)))
    assert lines[1] == "0 events within 30 s"
    assert "no event within 2 s" in lines[2]
    assert "an event needs 8 picks" in lines[-1]


def test_a_time_without_picks_says_so(campaign_and_store):
    (event, _) = truths(SECONDS)
    lines = list(explain(*campaign_and_store, iso(event.time_ns + 3600 * SECOND_NS)))
    assert lines[-1].endswith("no picks at the sites of this associator")


def test_a_time_outside_the_campaign_says_so(campaign_and_store):
    campaign, store = campaign_and_store
    lines = list(explain(campaign, store, iso(campaign.span.end_ns + SECOND_NS)))
    assert lines[1].startswith(f"outside {iso(campaign.span.start_ns)[:16]} to ")


def test_a_missed_event_says_what_it_lacks(tmp_path):
    campaign, store = associating(tmp_path, truths(SECONDS), pyocto=PyOctoOptions(n_picks=17))
    (event, _) = truths(SECONDS)
    text = "\n".join(explain(campaign, store, iso(event.time_ns)))
    assert "at best 16 of them fit one hypocenter, 8 sites with both" in text
    assert "an event needs 17 picks" in text
    assert "too few: picks 16 < 17" in text


def test_picks_of_crowded_instruments_are_named(tmp_path):
    quality = CatalogQuality(max_picks_per_hour=3)
    campaign, store = associating(tmp_path, truths(SECONDS), quality=quality)
    (event, _) = truths(SECONDS)
    text = "\n".join(explain(campaign, store, iso(event.time_ns)))
    assert "16 picks left out there: too many picks of their instruments" in text


def test_the_residual_that_is_allowed_grows_with_travel_time(campaign_and_store):
    """As in the matching: 1.5 errors of the model, at least pick_match_tolerance."""
    campaign, _ = campaign_and_store
    associator = Associator(campaign.design, cache_folder("traveltimes"))
    least = campaign.design.pyocto["pick_match_tolerance"]
    error = 1.5 * campaign.design.model_error
    allowed = associator.allowed_s(np.array([[0.0, 10.0], [100.0, 200.0]]))
    assert allowed == pytest.approx(np.maximum(least, error * np.array([[0, 10], [100, 200]])))


def test_what_is_neither_a_time_nor_an_event_is_refused(campaign_and_store):
    with pytest.raises(InputError, match="the store has no events of associator"):
        list(explain(*campaign_and_store, "abcdef"))


def test_an_id_leads_to_its_event_or_says_why_not(campaign_and_store):
    campaign, store = campaign_and_store
    store_events(campaign, store)
    ids = store.read("events", Where(design=campaign.design.digest))["event_id"].to_pylist()
    lines = list(explain(campaign, store, ids[1][:8]))
    assert lines[2].endswith("+0.00 s away")
    with pytest.raises(InputError, match="none of the 2 events"):
        list(explain(campaign, store, "zzzz"))
    with pytest.raises(InputError, match="2 events have an id that begins so"):
        list(explain(campaign, store, ""))
    other = campaign.model_copy(
        update={"design": campaign.design.model_copy(update={"x_km": (-9.0, 9.0)})}
    )
    with pytest.raises(InputError, match=f"is of associator {campaign.design.digest}"):
        list(explain(other, store, ids[0]))
