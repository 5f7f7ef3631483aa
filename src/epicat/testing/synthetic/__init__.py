"""Earthquakes and noise as stations record them, made by formulas, with known truth."""

from epicat.testing.synthetic.windows import Labelled, Recipe, Window, make_window, noise_window

__all__ = ["Labelled", "Recipe", "Window", "make_window", "noise_window"]
