"""Earthquakes and noise as stations record them, made by formulas, with known truth.

`make_scenario` and `write_archive` make whole archives, `make_window` and `noise_window` windows
for training pickers.  The formulas, with their sources, are in the modules that compute them;
``docs/synthetic.md`` tells what they leave out.
"""

from epicat.synthetic.archive import Written, write_archive
from epicat.synthetic.faults import FAULTS, Faults
from epicat.synthetic.scenario import Scenario
from epicat.synthetic.seismicity import Seismicity
from epicat.synthetic.wanted import Wanted, make_scenario
from epicat.synthetic.windows import Labelled, Recipe, Window, make_window, noise_window

__all__ = [
    "FAULTS",
    "Faults",
    "Labelled",
    "Recipe",
    "Scenario",
    "Seismicity",
    "Wanted",
    "Window",
    "Written",
    "make_scenario",
    "make_window",
    "noise_window",
    "write_archive",
]
