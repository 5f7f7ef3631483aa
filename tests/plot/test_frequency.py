"""The frequency-magnitude figure: what it shows, and catalogs without magnitudes."""

import numpy as np
import pytest

from epicat.frequency_magnitude import frequency_magnitude

pytest.importorskip("matplotlib")

from epicat.plot.frequency import draw_frequencies, frequency_figure


def _texts(figure) -> list[str]:
    (axes,) = figure.axes
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_the_figure_names_completeness_and_b() -> None:
    magnitudes = 0.95 + np.random.default_rng(0).exponential(1 / np.log(10), 2000)
    found = frequency_magnitude(magnitudes)
    texts = _texts(frequency_figure(found, title="a"))
    assert f"complete from {found.completeness:.1f}" in texts
    assert any(text.startswith(f"b {found.b.b:.2f} ±") for text in texts)
    assert any(text.startswith("b-positive ") for text in texts)


def test_few_events_have_no_b(tmp_path) -> None:
    figure = frequency_figure(frequency_magnitude([1.0, 1.3]), title="a")
    assert not any(text.startswith("b") for text in _texts(figure))
    draw_frequencies(frequency_magnitude([1.0, 1.3]), tmp_path / "a.png", title="$x$")
    assert (tmp_path / "a.png").stat().st_size > 5000


def test_no_magnitudes(tmp_path) -> None:
    draw_frequencies(None, tmp_path / "a.svg", title="a")
    assert (tmp_path / "a.svg").read_text().startswith("<?xml")
