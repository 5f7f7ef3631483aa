"""Public data sets for a first real catalog: downloaded, verified and laid out for a run."""

from collections.abc import Mapping
from typing import Final

from epicat.examples.download import SourceFile, download, read_registry
from epicat.examples.example import Example, prepare
from epicat.examples.holuhraun import HOLUHRAUN

__all__ = ["EXAMPLES", "Example", "SourceFile", "download", "prepare", "read_registry"]

EXAMPLES: Final[Mapping[str, Example]] = {"holuhraun": HOLUHRAUN}
"""Examples by name."""
