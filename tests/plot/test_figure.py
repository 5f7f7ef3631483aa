from __future__ import annotations

import csv
import subprocess
import sys
import warnings
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from epicat.errors import InputError
from epicat.geo import Extent
from epicat.tables import EVENTS, STATIONS
from epicat.time import parse_time

pytest.importorskip("matplotlib")

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from epicat.plot import PlotOptions, catalog_figure, choose_style, draw_catalog

START = parse_time("2019-07-04T17:33:49Z")
SECOND = 1_000_000_000
PANELS = ("map", "depth by longitude", "depth by latitude", "timeline")
Rows = list[tuple[int, float, float, float, bool]]


def events_of(rows: Rows) -> pa.Table:
    times, latitudes, longitudes, depths, edges = zip(*rows, strict=True) if rows else [()] * 5
    known = {
        "event_id": [f"e{n}" for n in range(len(rows))],
        "time": times,
        "latitude": latitudes,
        "longitude": longitudes,
        "depth_km": depths,
        "edge": edges,
        "design": ["d"] * len(rows),
        "key": ["k"] * len(rows),
    }
    arrays = [
        pa.array(known.get(f.name, [None if f.nullable else 0] * len(rows)), f.type) for f in EVENTS
    ]
    return pa.Table.from_arrays(arrays, schema=EVENTS)


def stations_of(places: list[tuple[str, float, float]]) -> pa.Table:
    rows = [
        {
            "id": f"{name}.",
            "network_code": name.partition(".")[0],
            "station_code": name.partition(".")[2],
            "location_code": "",
            "channels": "",
            "latitude": latitude,
            "longitude": longitude,
            "elevation": 0.0,
            "station": name,
        }
        for name, latitude, longitude in places
    ]
    return pa.Table.from_pylist(rows, schema=STATIONS)


def cloud(
    number: int, box: tuple[float, float, float, float], depth: float, seconds: float
) -> Rows:
    """Events drawn at random in a box, every twentieth of them at the edge."""
    south, north, west, east = box
    random = np.random.default_rng(number)
    longitudes = (random.uniform(west, east, number) + 180) % 360 - 180
    times = START + (random.random(number) * seconds * SECOND).astype(int)
    latitudes, depths = random.uniform(south, north, number), random.random(number) * depth
    values = zip(times, latitudes, longitudes, depths, strict=True)
    return [
        (int(t), float(a), float(o), float(d), n % 20 == 7) for n, (t, a, o, d) in enumerate(values)
    ]


def grid(number: int, box: tuple[float, float, float, float]) -> list[tuple[str, float, float]]:
    rows = cloud(number, box, 1, 1)
    return [(f"{'NC' if n % 3 else 'BK'}.S{n:03d}", r[1], r[2]) for n, r in enumerate(rows)]


NORTH = (39.0, 41.0, -125.0, -123.0)
TINY = (63.89, 63.92, -22.3, -22.25)
DATE_LINE = (-25.0, -15.0, 175.0, 185.0)
TALL, WIDE = (-38.0, -20.0, -71.5, -70.5), (37.8, 38.2, 15.0, 25.0)
LONG = "A title that goes on and on without ever coming to its point, as titles will " * 3
CASES: dict[str, tuple[Rows, list[tuple[str, float, float]], str, Extent | None]] = {
    "plain": (cloud(200, NORTH, 30, 86400), grid(15, NORTH), "Plain", None),
    "extent": (cloud(20, NORTH, 30, 600), grid(5, NORTH), "Extent", Extent(38, 42, -126, -120)),
    "thousands": (cloud(5000, NORTH, 30, 6e6), grid(90, NORTH), "Thousands", None),
    "no events": ([], grid(12, NORTH), "Nothing found", None),
    "no stations": (cloud(3, NORTH, 9, 1e8), [], "", None),
    "nothing": ([], [], "Nothing at all", None),
    "one": ([(START, 46.1, 7.5, 8.0, False)], [("CH.DIX", 46.08, 7.41)], "One", None),
    "one at the edge": ([(START, 46.1, 7.5, 0.0, True)], [], "One", None),
    "one depth": ([(*r[:3], 10.0, False) for r in cloud(50, WIDE, 1, 3e3)], [], "Flat", None),
    "same place": ([(START, 1.0, 2.0, 3.0, False)] * 30, grid(1, TINY) * 2, "Same", None),
    "tiny": (cloud(150, TINY, 4, 9e3), grid(4, TINY), "Tiny", None),
    "deep and tiny": (cloud(40, TINY, 600, 9e3), grid(3, TINY), "Deep", None),
    "date line": (cloud(500, DATE_LINE, 700, 1.6e8), grid(12, DATE_LINE), "Fiji", None),
    "date line extent": (cloud(9, DATE_LINE, 700, 1e9), [], "Fiji", Extent(-30, -10, 170, -170)),
    "tall": (cloud(300, TALL, 120, 3.4e7), grid(25, TALL), LONG, None),
    "wide": (cloud(60, WIDE, 0.4, 2400), grid(30, WIDE), LONG, None),
    "above sea level": ([(*r[:3], -r[3], r[4]) for r in cloud(9, TINY, 2, 60)], [], "Up", None),
    "old": ([(parse_time("1700-01-01"), 1.0, 1.0, 1.0, False), (START, 1.0, 2.0, 1.0, True)],
            [], "Old", None),
    "crowded": (cloud(10, NORTH, 5, 10), grid(40, (39.5, 39.6, -124, -123.9)), "Crowd", None),
    "globe": (cloud(99, (-90, 90, -180, 180), 700, 1e7), [], "G", Extent(-90, 90, -180, 180)),
    "odd letters": (cloud(2, NORTH, 5, 10), [("$X.{", 40.0, -124.0)], "$\\frac$ 地震 \x00 é", None),
}  # fmt: skip


@cache
def draw(case: str) -> Figure:
    rows, places, title, extent = CASES[case]
    figure = catalog_figure(events_of(rows), stations_of(places), title=title, extent=extent)
    figure.canvas.draw()
    return figure


@pytest.fixture(params=CASES)
def figure(request: pytest.FixtureRequest) -> Figure:
    return draw(request.param)


def panel(figure: Figure, name: str) -> Any:
    return next(axes for axes in figure.axes if axes.get_label() == name)


def texts_of(figure: Figure) -> list[tuple[str, Bbox]]:
    """Every word that can be seen, with its box in pixels."""
    texts = [*figure.texts, *(t for legend in figure.legends for t in legend.get_texts())]
    for axes in figure.axes:
        texts += [*axes.texts, axes.xaxis.label, axes.yaxis.label]
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            slack = 1e-9 * (high - low)
            ticks = [
                t for t in axis.get_major_ticks() if low - slack <= t.get_loc() <= high + slack
            ]
            texts += [label for t in ticks for label in (t.label1, t.label2)]
    shown = [t for t in texts if t.get_visible() and t.get_text()]
    return [(t.get_text(), t.get_window_extent()) for t in shown]


def write(path: Path, case: str = "plain") -> bytes:
    rows, places, title, extent = CASES[case]
    draw_catalog(events_of(rows), stations_of(places), path, title=title, extent=extent)
    return path.read_bytes()


class TestFile:
    @pytest.mark.parametrize(
        ("suffix", "magic"), [(".png", b"\x89PNG"), (".PDF", b"%PDF"), (".svg", b"<?xml")]
    )
    def test_each_suffix_gives_its_format(self, tmp_path: Path, suffix: str, magic: bytes) -> None:
        content = write(tmp_path / f"catalog{suffix}")
        assert content.startswith(magic)
        assert len(content) > 20_000

    @pytest.mark.parametrize("suffix", [".png", ".pdf", ".svg"])
    def test_equal_input_gives_equal_bytes(self, tmp_path: Path, suffix: str) -> None:
        assert write(tmp_path / f"a{suffix}") == write(tmp_path / f"b{suffix}")

    def test_order_of_the_rows_does_not_matter(self, tmp_path: Path) -> None:
        events, stations = events_of(CASES["plain"][0]), stations_of(CASES["plain"][1])
        backwards = events.take(list(range(events.num_rows))[::-1])
        draw_catalog(events, stations, tmp_path / "a.png", title="")
        draw_catalog(backwards, stations, tmp_path / "b.png", title="")
        assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()

    def test_the_settings_of_the_user_change_nothing_and_survive(self, tmp_path: Path) -> None:
        plain = write(tmp_path / "a.png")
        with mpl.rc_context({"font.size": 20, "axes.grid": True, "axes.facecolor": "red"}):
            before = dict(mpl.rcParams)
            assert write(tmp_path / "b.png") == plain
            assert dict(mpl.rcParams) == before

    @pytest.mark.parametrize("name", ["catalog.jpg", "catalog", "catalog.png.txt"])
    def test_other_suffixes_are_refused_with_the_choices(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(InputError, match=r"\.pdf, \.png, \.svg"):
            write(tmp_path / name)

    def test_a_missing_folder_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="nowhere does not exist"):
            write(tmp_path / "nowhere" / "catalog.png")

    def test_a_path_that_cannot_be_written_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "taken.png").mkdir()
        with pytest.raises(InputError, match=r"cannot write .*taken\.png"):
            write(tmp_path / "taken.png")


class TestLook:
    def test_no_words_overlap_and_all_are_on_the_page(self, figure: Figure) -> None:
        words = texts_of(figure)
        for (one, a), (other, b) in combinations(words, 2):
            across = min(a.x1, b.x1) - max(a.x0, b.x0)
            up = min(a.y1, b.y1) - max(a.y0, b.y0)
            assert min(across, up) <= 1, f"{one!r} overlaps {other!r}"
        page = figure.bbox
        for word, box in words:
            assert box.x0 >= 0, word
            assert box.y0 >= 0, word
            assert box.x1 <= page.x1, word
            assert box.y1 <= page.y1, word

    def test_every_axis_has_a_name(self, figure: Figure) -> None:
        assert panel(figure, "map").get_ylabel() == "Latitude"
        assert panel(figure, "depth by longitude").get_xlabel() == "Longitude"
        assert panel(figure, "depth by longitude").get_ylabel() == "Depth (km)"
        assert panel(figure, "depth by latitude").get_xlabel() == "Depth (km)"
        assert panel(figure, "timeline").get_xlabel().startswith("Time (UTC)")
        assert panel(figure, "timeline").get_ylabel().startswith("Events")

    def test_the_panels_share_one_scale(self, figure: Figure) -> None:
        chart, below, beside = (panel(figure, name) for name in PANELS[:3])
        assert below.get_xlim() == chart.get_xlim()
        assert beside.get_ylim() == chart.get_ylim()
        assert below.bbox.height == pytest.approx(beside.bbox.width)
        assert below.get_ylim() == beside.get_xlim()[::-1]
        assert beside.get_xlim()[0] < beside.get_xlim()[1]
        (south, north), (west, east) = chart.get_ylim(), chart.get_xlim()
        shape = np.cos(np.radians((south + north) / 2)) * (east - west) / (north - south)
        assert chart.bbox.width / chart.bbox.height == pytest.approx(max(shape, 0.01), rel=0.01)

    def test_the_page_is_of_a_reasonable_shape(self, figure: Figure) -> None:
        width, height = figure.get_size_inches()
        assert 6 < width < 9
        assert 6 < height < 11.8

    @pytest.mark.parametrize("case", CASES)
    def test_everything_is_inside_the_panels(self, case: str) -> None:
        drawn, extent = draw(case), CASES[case][3]
        for name in PANELS[:3]:
            axes = panel(drawn, name)
            for dots in axes.collections:
                x, y = np.asarray(dots.get_offsets(), float).reshape(-1, 2).T
                assert axes.viewLim.padded(1e-9).count_contains(np.column_stack([x, y])) == len(x)
        if extent:
            west, east = panel(drawn, "map").get_xlim()
            south, north = panel(drawn, "map").get_ylim()
            assert south <= extent.south < extent.north <= north
            assert west <= extent.west < extent.west + (extent.width_deg or 360) <= east

    @pytest.mark.parametrize("case", CASES)
    def test_the_timeline_counts_every_event(self, case: str) -> None:
        drawn, rows = draw(case), CASES[case][0]
        bars = panel(drawn, "timeline").patches
        assert sum(bar.get_height() for bar in bars) == len(rows)
        assert len(bars) <= 62
        if rows:
            (line,) = panel(drawn, "cumulative number").lines
            assert line.get_ydata()[-1] == len(rows)

    def test_a_summary_says_how_much_and_when(self) -> None:
        rows = [(START, 40.0, -124.0, 5.0, False), (START + 90 * SECOND, 40.1, -124.0, 6.0, False)]
        drawn = catalog_figure(events_of(rows), stations_of(grid(1, NORTH)), title="T")
        assert "2 events, 1 station, 2019-07-04 17:33:49 to 17:35:19 UTC" in words(drawn)

    def test_no_events_is_said_in_each_panel(self) -> None:
        drawn = catalog_figure(events_of([]), stations_of(grid(4, NORTH)), title="T")
        assert words(drawn).count("no events") == 3
        assert "no events, 4 stations" in words(drawn)
        assert "Event" not in words(drawn)

    def test_a_place_with_two_locations_is_one_station(self) -> None:
        places = [("NC.A", 40.0, -124.0), ("NC.A", 40.0, -124.0), ("NC.B", 40.1, -124.0)]
        seen = words(catalog_figure(events_of([]), stations_of(places), title="T"))
        assert "no events, 2 stations" in seen
        assert (seen.count("A"), seen.count("B")) == (1, 1)

    @pytest.mark.parametrize("edge", [True, False])
    def test_the_edge_is_in_the_legend_only_if_it_is_on_the_map(self, edge: bool) -> None:
        rows = [(START, 40.0, -124.0, 5.0, False), (START, 40.1, -124.0, 5.0, edge)]
        seen = words(catalog_figure(events_of(rows), stations_of([]), title="T"))
        assert ("Edge of search box" in seen) == edge

    def test_a_box_across_the_date_line_is_one_piece(self) -> None:
        drawn = catalog_figure(
            events_of(cloud(50, DATE_LINE, 100, 60)), stations_of(grid(3, DATE_LINE)), title="T"
        )
        west, east = panel(drawn, "map").get_xlim()
        assert east - west < 15
        assert {"180°", "175°E"} & set(words(drawn))

    def test_a_scale_bar_is_as_long_as_it_says(self) -> None:
        drawn = catalog_figure(
            events_of([]), stations_of([]), title="", extent=Extent(39, 41, 0, 2)
        )
        axes = panel(drawn, "map")
        length = next(float(w[:-3]) for w in words(drawn) if w.endswith(" km"))
        ends = axes.lines[-1].get_transform().transform(axes.lines[-1].get_xydata())
        (west, _), (east, _) = axes.transData.inverted().transform(ends[[0, -1]])
        assert (east - west) * 111.195 * np.cos(np.radians(40)) == pytest.approx(length, rel=0.01)


def with_columns(events: pa.Table, **columns: Any) -> pa.Table:
    for name, values in columns.items():
        position = events.schema.get_field_index(name)
        if position < 0:
            events = events.append_column(name, pa.array(values))
        else:
            events = events.set_column(position, name, pa.array(values, pa.float64()))
    return events


FOUR: Rows = [(START + n, 40.0 + n / 10, -124.0, 5.0, False) for n in range(4)]


def sizes(figure: Figure) -> set[float]:
    dots = panel(figure, "map").collections[:2]
    return {round(float(size), 3) for each in dots for size in each.get_sizes()}


class TestEvents:
    def test_sizes_follow_magnitudes_and_the_legend_shows_them(self) -> None:
        events = with_columns(events_of(FOUR), magnitude=[0.4, 1.1, 2.2, 3.3])
        drawn = catalog_figure(events, stations_of([]), title="T")
        assert len(sizes(drawn)) == 4
        assert {"M 1", "M 2", "M 3"} <= set(words(drawn))
        assert "Event" not in words(drawn)

    def test_without_magnitudes_sizes_are_equal(self) -> None:
        for magnitude in ([None] * 4, [1.0, None, None, None]):
            events = with_columns(events_of(FOUR), magnitude=magnitude)
            drawn = catalog_figure(events, stations_of([]), title="T")
            assert len(sizes(drawn)) == 1
            assert "Event" in words(drawn)

    def test_large_gaps_are_drawn_open(self) -> None:
        events = with_columns(events_of(FOUR), gap_deg=[90.0, 180.0, 181.0, 300.0])
        drawn = catalog_figure(events, stations_of([]), title="T")
        closed, open_ = panel(drawn, "map").collections[:2]
        assert [len(dots.get_offsets()) for dots in (closed, open_)] == [2, 2]
        assert len(open_.get_facecolors()) == 0
        assert "Azimuthal gap > 180°" in words(drawn)


def located(rows: Rows, classes: str = "ABCD") -> pa.Table:
    """Return events with a class each in turn, errors that grow with it, and some fixed depths."""
    events, n = events_of(rows), len(rows)
    letters = [classes[at % len(classes)] for at in range(n)]
    rank = np.array(["ABCD".index(letter) + 1.0 for letter in letters])
    depth = events["depth_km"].to_numpy()
    return with_columns(
        events, quality=letters, major_km=2 * rank, minor_km=rank,
        azimuth_deg=30.0 * rank, depth_low_km=depth - rank, depth_high_km=depth + rank,
        depth_fixed=[letter == "D" for letter in letters],
    )  # fmt: skip


class TestUncertainty:
    def lines(self, drawn: Figure, name: str) -> list[np.ndarray]:
        from matplotlib.collections import LineCollection

        found = [c for c in panel(drawn, name).collections if isinstance(c, LineCollection)]
        return [line for collection in found for line in collection.get_segments()]

    def test_ellipses_are_as_long_and_turned_as_the_table_says(self) -> None:
        rows = [(START, 60.0, 10.0, 5.0, False)]
        events = with_columns(located(rows), azimuth_deg=[70.0])
        drawn = catalog_figure(events, stations_of(grid(5, NORTH)[:0]), title="T",
                               extent=Extent(59, 61, 8, 12))  # fmt: skip
        (line,) = self.lines(drawn, "map")
        from epicat.geo import distance_azimuth

        km, azimuth = distance_azimuth(60.0, 10.0, line[:, 1], line[:, 0])
        assert max(km) == pytest.approx(2, rel=0.01)
        assert min(km) == pytest.approx(1, rel=0.01)
        assert azimuth[int(np.argmax(km))] % 180 == pytest.approx(70, abs=4)

    def test_depth_intervals_and_classes(self) -> None:
        rows = [row for row in cloud(40, NORTH, 30, 86400) if not row[4]]
        events = located(rows)
        drawn = catalog_figure(events, stations_of([]), title="T")
        classes = events["quality"].to_pylist()
        unknown = f"Depth unknown ({classes.count('D')})"
        assert {"Quality A, B", "Quality C, D", unknown} <= set(words(drawn))
        for name in ("depth by longitude", "depth by latitude"):
            intervals = self.lines(drawn, name)
            assert len(intervals) == len(rows) - classes.count("D")
        lengths = [abs(line[0, 1] - line[1, 1]) for line in self.lines(drawn, "depth by longitude")]
        assert {round(length) for length in lengths} == {2, 4, 6}

    def test_depths_that_picks_do_not_hold_make_no_stripe(self) -> None:
        rows = [(*row[:3], 10.0, False) for row in cloud(30, NORTH, 30, 86400)]
        drawn = catalog_figure(located(rows, "AD"), stations_of([]), title="T")
        dots = [len(c.get_offsets()) for c in panel(drawn, "depth by longitude").collections
                if type(c).__name__ == "PathCollection"]  # fmt: skip
        assert sum(dots) == 15
        assert "Depth unknown (15)" in words(drawn)

    def test_an_event_without_a_location_has_no_depth_among_located_ones(self) -> None:
        events = with_columns(events_of(FOUR), quality=["A", "B", None, "C"])
        drawn = catalog_figure(events, stations_of([]), title="T")
        assert "Depth unknown (1)" in words(drawn)
        alone = catalog_figure(events_of(FOUR), stations_of([]), title="T")
        assert not any("Depth unknown" in word for word in words(alone))

    def test_thousands_of_events_have_no_ellipses(self) -> None:
        drawn = catalog_figure(located(cloud(400, NORTH, 30, 86400)), stations_of([]), title="T")
        assert self.lines(drawn, "map") == []
        assert not any("68 %" in text for text, _ in texts_of(drawn))

    @pytest.mark.parametrize("magnitudes", [False, True])
    def test_words_of_a_legend_with_everything_do_not_overlap(self, magnitudes: bool) -> None:
        rows, places, title, extent = CASES["wide"]
        events = located(rows)
        if magnitudes:
            events = with_columns(events, magnitude=np.linspace(-1, 5, len(rows)))
        other = events_of(rows)
        drawn = catalog_figure(events, stations_of(places), title=title, extent=extent,
                               options=PlotOptions(reference=("True event", other)))  # fmt: skip
        drawn.canvas.draw()
        for (one, a), (two, b) in combinations(texts_of(drawn), 2):
            across, up = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
            assert min(across, up) <= 1, f"{one!r} overlaps {two!r}"


class TestStyle:
    def test_paper_is_at_most_as_wide_as_given(self, tmp_path: Path) -> None:
        rows, places, title, extent = CASES["plain"]
        for width in (120.0, 180.0):
            options = PlotOptions(choose_style("paper", width))
            drawn = catalog_figure(
                events_of(rows), stations_of(places), title=title, extent=extent, options=options
            )
            assert 0.8 * width < drawn.get_size_inches()[0] * 25.4 <= width + 1e-6

    @pytest.mark.parametrize("width", [110.0, 120.0, 180.0])
    @pytest.mark.parametrize("case", ["plain", "extent", "date line"])
    def test_words_of_a_narrow_page_do_not_overlap(self, case: str, width: float) -> None:
        rows, places, title, extent = CASES[case]
        events = with_columns(events_of(rows), magnitude=np.linspace(0.5, 5.5, len(rows)))
        options = PlotOptions(choose_style("paper", width))
        drawn = catalog_figure(
            events, stations_of(places), title=title, extent=extent, options=options
        )
        drawn.canvas.draw()
        found = texts_of(drawn)
        for (one, a), (two, b) in combinations(found, 2):
            across, up = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
            assert min(across, up) <= 1, f"{one!r} overlaps {two!r}"
        assert max(box.x1 for _, box in found) <= drawn.bbox.x1
        assert panel(drawn, "map").bbox.width > 0.3 * drawn.bbox.width

    @pytest.mark.parametrize(("name", "width"), [("papr", None), ("paper", 20.0), ("screen", 1e3)])
    def test_unknown_styles_and_widths_are_refused(self, name: str, width: float | None) -> None:
        with pytest.raises(InputError, match=r"did you mean paper|from 110 to 420 mm"):
            choose_style(name, width)


def words(figure: Figure) -> list[str]:
    return [word for word, _ in texts_of(figure)]


latitudes = st.floats(-89.9, 89.9)
longitudes = st.floats(-180, 180)
moments = st.integers(parse_time("1700-01-01"), parse_time("2250-01-01"))
quakes = st.tuples(moments, latitudes, longitudes, st.floats(-8, 800), st.booleans())
sites = st.tuples(st.text(max_size=12), latitudes, longitudes)
sides = st.tuples(longitudes, longitudes).filter(lambda x: x[0] != x[1] and x != (180, -180))
extents = st.builds(
    lambda south, height, sides: Extent(south, min(south + height, 90), *sides),
    st.floats(-90, 89), st.floats(0.001, 180), sides,
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(quakes, max_size=4), st.lists(sites, max_size=4), st.text(max_size=200),
       st.none() | extents)  # fmt: skip
@example([(START, 89.9, 180.0, 0.0, False)], [("", 89.9, -180.0)], "W" * 200, None)
@example([(START, 0.0, 0.0, -8.0, True)], [], "\n", Extent(-90, 90, -180, 180))
def test_nothing_raises_or_warns(
    rows: Rows, places: list[tuple[str, float, float]], title: str, extent: Extent | None
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn = catalog_figure(events_of(rows), stations_of(places), title=title, extent=extent)
        drawn.canvas.draw()
    for word, box in texts_of(drawn):
        assert box.x0 >= 0, word
        assert box.x1 <= drawn.bbox.x1, word


def test_a_position_that_is_no_number_is_refused() -> None:
    with pytest.raises(InputError, match="event e0"):
        catalog_figure(
            events_of([(START, float("nan"), 1.0, 1.0, False)]), stations_of([]), title=""
        )
    with pytest.raises(InputError, match=r"station NC\.A"):
        catalog_figure(events_of([]), stations_of([("NC.A", 1.0, float("inf"))]), title="")


def test_importing_the_module_does_not_import_matplotlib() -> None:
    code = "import sys, epicat.plot; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_drawing_leaves_pyplot_alone() -> None:
    code = (
        "import sys, pathlib, epicat.plot as f, epicat.table_rows as t\n"
        "f.catalog_figure(t.events_table([], '', ''), t.stations_table([]), title='')\n"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_missing_matplotlib_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(InputError, match=r"pip install 'epicat\[plot\]'"):
        write(tmp_path / "catalog.png")


def test_a_real_catalog(realdata: Path) -> None:
    def read(name: str) -> list[dict[str, str]]:
        return list(csv.DictReader((realdata / "holuhraun" / name).read_text().splitlines()))

    rows = [
        (parse_time(r["DT"]), float(r["Y"]), float(r["X"]), float(r["Z"]), False)
        for r in read("reference_events.csv")
    ]
    places = [(r["id"], float(r["latitude"]), float(r["longitude"])) for r in read("stations.csv")]
    drawn = catalog_figure(events_of(rows), stations_of(places), title="Holuhraun")
    assert {name.partition(".")[2] for name, _, _ in places} <= set(words(drawn))
    assert len(panel(drawn, "map").collections[0].get_offsets()) == len(rows)
