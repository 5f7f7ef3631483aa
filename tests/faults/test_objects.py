"""The short form of the trials of bad objects, and what these are made of."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from epicat.waveforms.records import decode
from faults.objects import trials
from faults.objects.campaign import MEASURED
from faults.objects.corpus import mutated
from faults.objects.headers import changed, put, records_of, renamed, sealed
from faults.objects.mutations import MUTATIONS
from faults.objects.sounds import sounds
from faults.trial import Form
from support.waves import AROUND, counts, mseed, records


def test_no_bad_object_costs_the_others_a_pick_or_goes_unreported(tmp_path: Path):
    for trial in trials(Form.SHORT, tmp_path):
        assert trial.tried >= 38
        assert (trial.survived, trial.lost, trial.doubled) == (trial.tried, 0, 0), trial


def test_objects_are_the_same_for_the_same_seed(tmp_path: Path):
    sound = sounds(tmp_path)
    first, again = (
        [(bad.kind, bad.sound.name, bad.body) for bad in mutated(sound, 70, 3)] for _ in range(2)
    )
    assert first == again
    assert {kind for kind, _, _ in first} == set(MUTATIONS)
    assert len({body for _, _, body in first}) > 60


@pytest.mark.parametrize("version", [2, 3])
def test_headers_are_changed_where_they_should_be(version: int):
    (one, *_) = records(counts(400), version=version)
    assert records_of(mseed(counts(400), version=version))[0] == one
    assert sealed(one) == one
    other = renamed(one, network="YY", station="BBB", location="10", channel="BHE")
    assert decode(other, "YY", "BBB", AROUND).reasons == []
    (channel,) = decode(other, "YY", "BBB", AROUND).channels
    assert (channel.location, channel.band, channel.component) == ("10", "BH", "E")
    old = decode(changed(one, year=2017), "XX", "AAA", AROUND)
    assert "holds 2017-" in old.reasons[0]
    if version == 3:
        assert "Invalid CRC" in decode(one + put(one, year=2017), "XX", "AAA", AROUND).reasons[0]


def test_every_mutation_is_made_of_every_kind_of_record():
    for version in (2, 3):
        sound = records(counts(900), version=version)
        for name, mutation in MUTATIONS.items():
            bodies = {mutation.make(random.Random(seed), sound) for seed in range(6)}
            only = name in ("sound", "empty", "no samples", "two years old", "absurd extra headers")
            assert only or len(bodies) > 1 or version == 3, name


@pytest.mark.parametrize(("size", "least", "most"), [(0, 1, 60), (200, 200, 280)])
def test_a_peak_is_that_of_the_command_and_its_children_alone(size: int, least: int, most: int):
    here = b"x" * 300_000_000  # what started it does not count
    child = f"b'x' * {size * 10**6}"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    command = [sys.executable, "-I", str(MEASURED), str(8 << 30), sys.executable, "-c", parent]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert least * 10**6 < int(told) < most * 10**6 < len(here)
