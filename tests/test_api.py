"""The Python API: its names, its examples, and that it gives what the command line gives."""

from __future__ import annotations

import doctest
import importlib
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import epicat as ec
from support.python_api import run, write_example

ROOT = Path(ec.__file__).parent
WITH_EXAMPLES = sorted(p for p in ROOT.rglob("*.py") if ">>> " in p.read_text(encoding="utf-8"))
HEAVY = ("torch", "seisbench", "openvino", "pyocto", "matplotlib", "numpy", "pyarrow", "obspy")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, epicat_cache: Path) -> Iterator[Path]:
    """Give a folder with a synthetic archive and its catalog, and work in it."""
    folder = write_example(tmp_path_factory.mktemp("api"))
    before = Path.cwd()
    os.chdir(folder)
    try:
        run("run", "campaign.toml", "--workers", "1")
        yield folder
    finally:
        os.chdir(before)


@pytest.fixture(scope="module")
def stream(folder: Path) -> Any:
    obspy = pytest.importorskip("obspy")
    return obspy.read(str(folder / "waveforms/*/*/*/*/*"))


@pytest.fixture(scope="module")
def picker(folder: Path) -> Any:
    return ec.load_picker("epicat-mini")


class TestNames:
    def test_names_are_sorted_and_each_is_there(self) -> None:
        assert ec.__all__ == sorted(ec.__all__)
        assert set(ec.__all__) == set(ec._MODULES)
        assert all(getattr(ec, name).__name__ == name for name in ec.__all__)

    def test_an_unknown_name_is_an_attribute_error(self) -> None:
        with pytest.raises(AttributeError, match="no attribute 'pick_streams'"):
            _ = ec.pick_streams

    def test_the_package_has_types(self) -> None:
        assert Path(ec.__file__).with_name("py.typed").exists()

    def test_importing_it_is_fast_and_light(self) -> None:
        script = (
            "import sys, time; begin = time.process_time(); import epicat;"
            "seconds = time.process_time() - begin;"
            f"print(seconds, *(m for m in {HEAVY!r} if m in sys.modules))"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        )
        seconds, *loaded = done.stdout.split()
        assert not loaded
        assert float(seconds) < 0.1

    @pytest.mark.parametrize("name", ec.__all__)
    def test_each_name_is_documented_with_an_example_that_runs(
        self, folder: Path, name: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        if name in ("pick_stream", "to_obspy"):
            pytest.importorskip("obspy")
        finder = doctest.DocTestFinder(recurse=False)
        (found,) = finder.find(getattr(ec, name), name, globs={})
        assert found.examples, f"{name} has no example"
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
        failed = runner.run(found).failed
        assert not failed, capsys.readouterr().out


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda path: path.stem)
def test_examples_in_docstrings_are_true(folder: Path, path: Path) -> None:
    name = ".".join(("epicat", *path.relative_to(ROOT).with_suffix("").parts))
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted > 0
    assert found.failed == 0


class TestResults:
    def test_a_stream_gives_the_picks_of_the_campaign(self, folder, stream, picker) -> None:
        picks = ec.pick_stream(stream, picker)
        table = ec.open_catalog(folder / "catalog").picks()
        assert picks.run == table["design"][0].as_py()
        ordered = [("time", "ascending"), ("pick_id", "ascending")]
        mine, theirs = picks.table().sort_by(ordered), table.sort_by(ordered)
        for column in ("pick_id", "time", "confidence", "onset", "end"):
            assert mine[column].to_pylist() == theirs[column].to_pylist()

    def test_traces_in_any_order_cut_anywhere_give_the_same_picks(
        self, folder, stream, picker
    ) -> None:
        code = stream[0].stats.station
        own = stream.select(station=code).copy()
        expected = ec.pick_stream(own, picker)
        middle = own[0].stats.starttime + 300.005
        parts = [own[2], *(own.slice(endtime=middle)[:2]), *(own.slice(starttime=middle)[:2])]
        assert ec.pick_stream(parts, picker) == expected

    def test_masked_samples_are_gaps(self, folder, stream, picker) -> None:
        code = stream[0].stats.station
        own = stream.select(station=code).copy()
        kept = ec.pick_stream(own, picker)
        for trace in own:
            first = trace.stats.starttime.ns
            index = np.arange(len(trace.data)) * 10_000_000 + first
            near = np.abs(index - kept[0].time_ns) < 2_000_000_000
            trace.data = np.ma.masked_array(trace.data, mask=near)
        assert kept[0] not in ec.pick_stream(own, picker)

    def test_associating_in_memory_gives_the_events_of_the_campaign(
        self, folder, stream, picker
    ) -> None:
        catalog = ec.open_catalog(folder / "catalog", places="association")
        model = ec.LayerModel.read("velocity.txt", constant=True)
        extent = ec.Extent(39.5, 40.5, -124.7, -123.3)
        for picks in (ec.pick_stream(stream, picker), catalog.picks()):
            events = ec.associate(
                picks, ec.load_stations("stations.csv"), velocity=model, extent=extent
            )
            assert events.associator == catalog.associator
            for ours, stored in (
                (events.table(), catalog.events()),
                (events.arrivals(), catalog.arrivals()),
            ):
                names = [name for name in ours.column_names if name != "key"]
                assert ours.select(names).equals(
                    stored.select(names).cast(ours.select(names).schema)
                )

    def test_obspy_gets_origins_arrivals_and_picks(self, folder) -> None:
        pytest.importorskip("obspy")
        catalog = ec.open_catalog("catalog")
        found = ec.to_obspy(catalog)
        table = catalog.events().to_pylist()
        times = catalog.events()["time"].cast("int64").to_pylist()
        microsecond = 1_000  # what ObsPy keeps
        assert [o.origins[0].time.ns for o in found] == pytest.approx(times, abs=microsecond, rel=0)
        assert [len(o.preferred_origin().arrivals) for o in found] == [
            row["n_p"] + row["n_s"] for row in table
        ]

    def test_exports_are_those_of_the_command_line(self, folder, tmp_path) -> None:
        catalog = ec.open_catalog("catalog")
        for name, form in {"a.csv": "csv", "a.xml": "quakeml", "a.txt": "fdsn-text"}.items():
            catalog.export(tmp_path / name)
            run("export", "--store", "catalog", "--format", form, "-o", tmp_path / f"cli-{name}")
            assert (tmp_path / name).read_bytes() == (tmp_path / f"cli-{name}").read_bytes()

    def test_coverage_has_each_station_day(self, folder) -> None:
        coverage = ec.to_pandas(ec.open_catalog("catalog").coverage())
        assert len(coverage) == 8
        assert set(coverage["status"]) == {"done"}
        assert coverage["picks"].sum() == ec.open_catalog("catalog").picks().num_rows

    def test_sql_sees_the_rows_of_this_catalog(self, folder) -> None:
        pytest.importorskip("duckdb")
        catalog = ec.open_catalog("catalog")
        (row,) = catalog.sql("select count(*) as n from arrivals").to_pylist()
        associated = ec.open_catalog("catalog", places="association")
        assert row["n"] == associated.arrivals().num_rows

    def test_a_plot_is_a_figure_or_a_file(self, folder, tmp_path) -> None:
        figure = pytest.importorskip("matplotlib.figure")
        catalog = ec.open_catalog("catalog")
        assert isinstance(catalog.plot(), figure.Figure)
        assert catalog.plot(tmp_path / "map.png") is None
        assert (tmp_path / "map.png").stat().st_size > 20_000


class TestBehaviour:
    def test_a_run_prints_nothing_and_resumes_in_a_thread(self, folder, tmp_path, capfd) -> None:
        heard: list[object] = []

        class Listener:
            def planned(self, planned: object) -> None:
                heard.append(planned)

            def finished(self, outcome: object) -> None:
                heard.append(outcome)

        options = ec.CampaignOptions.from_toml("campaign.toml", store=str(tmp_path / "other"))
        made: list[ec.Catalog] = []

        def work() -> None:
            campaign = ec.resolve(options)
            made.append(ec.run(campaign, workers=1, listener=Listener()))
            made.append(ec.run(campaign, workers=1))

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert capfd.readouterr() == ("", "")
        assert len(heard) == 1 + 8 + 1
        expected = ec.open_catalog("catalog").events()["event_id"]
        assert [catalog.events()["event_id"] for catalog in made] == [expected, expected]

    def test_a_script_needs_no_main_guard(self, folder, tmp_path) -> None:
        script = tmp_path / "script.py"
        script.write_text(
            textwrap.dedent(f"""
                import epicat as ec
                store = {str(tmp_path / "s")!r}
                options = ec.CampaignOptions.from_toml("campaign.toml", store=store)
                print(ec.run(ec.resolve(options), workers=1).events().num_rows)
            """)
        )
        done = subprocess.run(
            [sys.executable, script], cwd=folder, capture_output=True, text=True, check=True
        )
        assert int(done.stdout) == ec.open_catalog("catalog").events().num_rows
        assert not done.stderr

    @pytest.mark.parametrize(
        ("call", "words"),
        [
            (lambda: ec.load_picker("PhaseNte"), "did you mean PhaseNet"),
            (lambda: ec.open_archive("waveforms"), "layout"),
            (lambda: ec.load_stations("nowhere.csv"), "nowhere.csv"),
            (lambda: ec.CampaignOptions.from_toml("nowhere.toml"), "nowhere.toml"),
            (lambda: ec.CampaignOptions.from_mapping({"strat": 1}), "did you mean start"),
            (lambda: ec.Extent(41, 39, -125, -123), "must rise"),
            (lambda: ec.open_catalog("catalog", "zzz"), "no run or catalog 'zzz'"),
            (lambda: ec.open_catalog("catalog").export("map.doc"), "map.doc"),
            (lambda: ec.open_catalog("catalog").sql("drop table picks"), "SELECT"),
            (lambda: ec.associate((), ()), "no stations"),
            (lambda: ec.associate(ec.Picks((), ""), ec.load_stations("stations.csv"),
                                  velocity="nowhere.csv"), "nowhere.csv"),
        ],
    )  # fmt: skip
    def test_bad_input_is_an_input_error(self, folder, call, words) -> None:
        with pytest.raises(ec.InputError, match=words):
            call()

    def test_a_store_that_is_not_there_is_a_store_error(self, folder) -> None:
        with pytest.raises(ec.StoreError, match="no store at 'nowhere'"):
            ec.open_catalog("nowhere")

    def test_bad_streams_and_thresholds_are_refused(self, folder, picker) -> None:
        with pytest.raises(ec.InputError, match="no trace of the stream"):
            ec.pick_stream([], picker)
        with pytest.raises(ec.InputError, match="p_threshold"):
            ec.pick_stream([], picker, p_threshold=1.5)
