"""Synthetic waveforms of local earthquakes and noise, with ground truth.

`make_scenario` and `write_archive` create archives; `make_window` and `noise_window` create windows
for training pickers.  Formulas and their sources are in the modules that compute them;
``docs/concepts/synthetic.md`` lists what is not modelled.
"""

from epicat.synthetic.archive_writer import ArchiveSummary, write_archive
from epicat.synthetic.faults import FAULTS, Faults
from epicat.synthetic.scenario import Scenario, ScenarioOptions, make_scenario
from epicat.synthetic.seismicity import Seismicity
from epicat.synthetic.training_windows import (
    LabelledArrival,
    Recipe,
    Window,
    make_window,
    noise_window,
)

__all__ = [
    "FAULTS",
    "ArchiveSummary",
    "Faults",
    "LabelledArrival",
    "Recipe",
    "Scenario",
    "ScenarioOptions",
    "Seismicity",
    "Window",
    "make_scenario",
    "make_window",
    "noise_window",
    "write_archive",
]
