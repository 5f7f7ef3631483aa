"""A kill in the middle of a unit loses the station-day in hand, and leaves nothing behind."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from epicat.campaign.campaign import Campaign
from epicat.cli.app import main
from epicat.ledger import Stage, Status
from epicat.pipeline.outcome import FinishedKey
from epicat.pipeline.plan import Unit
from epicat.pipeline.runner import write_records
from epicat.pipeline.worker import Worker
from epicat.store.base import Store, Where, new_generation, station_day_entries
from epicat.store.findings import Findings, Kind
from epicat.store.parquet import ParquetStore
from epicat.store.verify.files import verify_files
from support.network_fixtures import written_network
from support.tiny_network import arguments, settled, truths

DAYS = ("2020.001", "2020.002")


class Killed(BaseException):
    """Stands for a kill: nothing of the worker runs any more."""


class Kill:
    """Raises `Killed` when ``after`` more keys are finished; lists the finished ones."""

    def __init__(self, after: int) -> None:
        self.after = after
        self.keys: list[str] = []

    def __call__(self, finished: FinishedKey) -> None:
        if len(self.keys) == self.after:
            raise Killed
        self.keys.append(finished.key)


network = written_network(truths([-300, 300]))


def campaign_in(network: Path, folder: Path, **options: object) -> tuple[Campaign, ParquetStore]:
    campaign = settled(network, folder / "store", **options)
    return campaign, ParquetStore(folder / "store", create=True)


def unit_of(campaign: Campaign, **more: object) -> Unit:
    names = campaign.names[:3]
    return Unit(Stage.PICK, tuple(f"{n}/{d}" for n in names for d in DAYS), **more)


def rows(store: Store) -> dict[str, object]:
    return {t: store.read(t, Where()).to_pydict() for t in ("picks", "amplitudes", "envelopes")}


def files(store: ParquetStore) -> dict[str, int]:
    """Return the number of files by folder."""
    found: dict[str, int] = {}
    for file in store.files.found():
        top = file.name.partition("/")[0]
        found[top] = found.get(top, 0) + 1
    return found


def killed(campaign: Campaign, unit: Unit, after: int) -> list[str]:
    kill = Kill(after)
    with pytest.raises(Killed):
        Worker(campaign, on_key=kill).work(unit)
    return kill.keys


@pytest.mark.parametrize("after", [1, 3, 5])
def test_finished_keys_survive_and_the_store_is_that_of_an_undisturbed_run(
    network, tmp_path, after
):
    campaign, store = campaign_in(network, tmp_path / "killed")
    unit = unit_of(campaign)
    done = killed(campaign, unit, after)
    assert rows(store)["picks"] == store.read("picks", Where(keys=frozenset())).to_pydict()
    assert files(store)["journal"] == len(done) == after

    outcome = Worker(campaign).work(unit)
    entries = {e.key: e for e in station_day_entries(store)}
    newest = max(entries[key].marked_ns for key in done)
    assert {key for key, e in entries.items() if e.marked_ns <= newest} == set(done)
    assert outcome.statuses["done"] == sum(e.status == Status.DONE for e in entries.values())

    same, undisturbed = campaign_in(network, tmp_path / "undisturbed")
    assert Worker(same).work(unit).n_rows == outcome.n_rows
    assert rows(store) == rows(undisturbed)
    assert files(store) == files(undisturbed)


def test_status_and_the_next_run_say_what_is_finished(network, tmp_path, capsys):
    """Else it would seem that a kill had cost everything."""
    campaign, store = campaign_in(network, tmp_path)
    write_records(campaign, store)
    killed(campaign, unit_of(campaign), 4)
    for command in (
        ["status", "--store", store.location],
        ["run", *arguments(network, tmp_path / "store", "--workers", "1")],
        ["status", "--store", store.location],
    ):
        with pytest.raises(SystemExit) as left:
            main(command)
        assert not left.value.code
    told = capsys.readouterr()
    assert told.out.count("  4 of the missing are finished, and are recorded with their unit") == 1
    assert "16 to pick (4 of them finished by an interrupted run)" in told.err


def test_keys_are_restored_however_the_work_is_partitioned(network, tmp_path):
    campaign, store = campaign_in(network, tmp_path)
    unit = unit_of(campaign)
    done = killed(campaign, unit, 4)
    before = {}
    for pair in zip(unit.keys[::2], unit.keys[1::2], strict=True):
        Worker(campaign).work(Unit(Stage.PICK, pair))
        before |= {e.key: e.marked_ns for e in station_day_entries(store)}
    newest = max(before[key] for key in done)
    assert all(before[key] > newest for key in unit.keys if key not in done)
    assert "journal" not in files(store)


def test_other_settings_do_not_use_the_journal(network, tmp_path):
    campaign, store = campaign_in(network, tmp_path)
    unit = unit_of(campaign)
    done = killed(campaign, unit, 4)
    other = campaign.model_copy(update={"archive": f"{campaign.archive}/."})
    Worker(other).work(unit)
    archives = {e.archive for e in station_day_entries(store)}
    assert archives == {other.archive}
    assert len(done) == 4
    assert "journal" not in files(store)


def test_a_newer_result_is_not_replaced(network, tmp_path):
    campaign, store = campaign_in(network, tmp_path)
    unit = unit_of(campaign)
    killed(campaign, unit, 4)
    for key in unit.keys:
        Worker(campaign).work(Unit(Stage.PICK, (key,)))
    after_ns = max(e.marked_ns for e in station_day_entries(store))
    Worker(campaign).work(unit_of(campaign, after_ns=after_ns))
    assert all(e.marked_ns > after_ns for e in station_day_entries(store))


def test_a_damaged_journal_is_ignored(network, tmp_path):
    campaign, store = campaign_in(network, tmp_path)
    unit = unit_of(campaign)
    killed(campaign, unit, 4)
    names = store.files.list("journal")
    for name, data in zip(names, (b"", b"PAR1", store.files.read(names[2])[:-9]), strict=False):
        store.files.write(name, data)
    outcome = Worker(campaign).work(unit)
    assert sum(outcome.statuses.values()) == len(unit.keys)
    assert "journal" not in files(store)


def test_what_was_committed_before_the_journal_was_deleted_is_cleared(network, tmp_path):
    campaign, store = campaign_in(network, tmp_path)
    unit = unit_of(campaign)
    killed(campaign, unit, 4)
    assert store.clear_journal() == 0
    assert files(store)["journal"] == 4
    kept = {name: store.files.read(name) for name in store.files.list("journal")}
    Worker(campaign).work(unit)
    for name, data in kept.items():
        store.files.write(name, data)
    assert ParquetStore(tmp_path / "store").clear_journal() == 4
    assert "journal" not in files(store)


def test_a_recheck_is_resumed(network, tmp_path):
    campaign, store = campaign_in(network, tmp_path)
    unit = unit_of(campaign)
    Worker(campaign).work(unit)
    old = station_day_entries(store)
    generation = new_generation()
    store.mark([replace(e, objects=(), generation=generation, marked_ns=e.marked_ns + 1)
                for e in old])  # fmt: skip
    after_ns = max(e.marked_ns for e in station_day_entries(store))
    again = unit_of(campaign, recheck=True, after_ns=after_ns)
    done = killed(campaign, again, 2)
    Worker(campaign).work(again)
    entries = {e.key: e for e in station_day_entries(store)}
    newest = max(entries[key].marked_ns for key in done)
    assert all(e.objects for e in entries.values())
    assert {k for k, e in entries.items() if after_ns < e.marked_ns <= newest} == set(done)


def test_a_single_key_needs_no_journal(network, tmp_path):
    campaign, _ = campaign_in(network, tmp_path)
    Worker(campaign).work(Unit(Stage.PICK, unit_of(campaign).keys[:1]))
    assert not (tmp_path / "store" / "journal").exists()


def test_the_doctor_mentions_the_journal_and_keeps_it(network, tmp_path):
    campaign, store = campaign_in(network, tmp_path)
    killed(campaign, unit_of(campaign), 2)
    findings = Findings()
    verify_files(store, findings, repair=True)
    (found,) = findings.all()
    assert (found.kind, found.count, found.repaired) == (Kind.JOURNAL, 2, 0)
    assert findings.is_healthy
    for name in store.files.list("journal"):
        os.utime(tmp_path / "store" / name, (0, 0))
    verify_files(store, findings, repair=True)
    assert "journal" not in files(store)
