"""An example: where its files are, their licence, and how they become the input of a campaign."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from epicat._util.files import atomic_file
from epicat.errors import InputError
from epicat.examples.download import SourceFile, download

__all__ = ["ARCHIVE", "CAMPAIGN", "SOURCE", "Example", "prepare"]

ARCHIVE: Final = "waveforms"
"""Folder of the waveforms in the folder of an example."""
SOURCE: Final = "source"
"""Folder of the other files of an example as they were downloaded."""
CAMPAIGN: Final = "campaign.toml"
"""The campaign file of an example."""
_FIRST: Final = "# The campaign of `epicat example {name}`."


@dataclass(frozen=True, slots=True)
class Example:
    """A public data set and how to lay it out."""

    name: str
    """As on the command line."""
    title: str
    """What the data are, in one line."""
    origin: str
    """Repository and commit, in one line."""
    base_url: str
    """Address of the repository at that commit; paths of files follow."""
    licence: str
    """Name of the licence, and whose it is."""
    citation: str
    """What to cite."""
    files: tuple[SourceFile, ...]
    """All files; those with ``waveform_suffix`` are waveforms."""
    waveform_suffix: str
    """End of the names of waveforms."""
    write_inputs: Callable[[Path], None]
    """Writes the station list of a campaign into the folder, from the files in ``source``."""
    campaign: str
    """Campaign file, with ``{model}`` and ``{weight}`` to be filled in."""

    @property
    def megabytes(self) -> float:
        """Size of all files in 10^6 bytes."""
        return sum(source.bytes for source in self.files) / 1e6

    @property
    def notice(self) -> str:
        """Origin, licence and citation, as a text of several lines."""
        return (
            f"{self.title}\n"
            f"  from      {self.origin}\n"
            f"  licence   {self.licence}\n"
            f"  cite      {self.citation}\n"
        )


def prepare(
    example: Example,
    folder: Path,
    *,
    model: str = "PhaseNet",
    weight: str = "original",
    base_url: str | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Path:
    """Download an example into a folder, lay it out, and return its campaign file.

    Files that are there are not downloaded again.  The notice with the licence is written to
    ``NOTICE.txt``.

    Raises
    ------
    InputError
        The folder has another campaign file or cannot be written, or a download fails.

    """
    file = folder / CAMPAIGN
    first = _FIRST.format(name=example.name)
    if file.exists() and not file.read_bytes().startswith(first.encode()):
        raise InputError(f"{str(file)!r} is another campaign: give a new or empty folder")
    address = example.base_url if base_url is None else base_url
    waves = [one for one in example.files if one.name.endswith(example.waveform_suffix)]
    others = [one for one in example.files if one not in waves]
    total = len(example.files)
    download(others, folder / SOURCE, address, progress=lambda done, _: progress(done, total))
    download(
        waves,
        folder / ARCHIVE,
        address,
        progress=lambda done, _: progress(len(others) + done, total),
    )
    example.write_inputs(folder)
    _write(folder / "NOTICE.txt", example.notice)
    _write(file, first + "\n" + example.campaign.format(model=model, weight=weight))
    return file


def _write(path: Path, text: str) -> None:
    with atomic_file(path, "w") as file:
        file.write(text)
