"""A submission: all that workers elsewhere need, in one folder that they can read.

    FOLDER/campaign.json       what is computed
    FOLDER/bundle/...          the compiled picker
    FOLDER/NAME.units          units, see `epicat.pipeline.manifest`
    FOLDER/jobs.json           what was handed over to be done

The folder holds no secret.  Its files are written once and never changed, but for the list of
jobs, which grows while they are handed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from epicat.campaign.campaign import Campaign
from epicat.errors import InputError
from epicat.fs.base import Files, open_files
from epicat.pick.remote_bundle import KeptBundle
from epicat.pipeline.manifest import pack, read_count, read_unit
from epicat.pipeline.plan import Unit

__all__ = ["Submission"]

_NOUN = "submission"
_CAMPAIGN, _BUNDLE, _UNITS, _JOBS = "campaign.json", "bundle", ".units", "jobs.json"

T = TypeVar("T")


class Submission:
    """The folder of a submission.  Nothing is read or written before it is asked for."""

    def __init__(self, location: str) -> None:
        self._files: Files = open_files(location.rstrip("/"), _NOUN)
        self.location = self._files.location

    @classmethod
    def holding(cls, manifest: str) -> tuple[Submission, str]:
        """Return the submission in whose folder a manifest lies, and the manifest's name.

        Raises `InputError` if it does not look like ``s3://BUCKET/FOLDER/NAME.units``.
        """
        folder, _, name = manifest.rpartition("/")
        if not folder or not name.endswith(_UNITS) or name == _UNITS:
            raise InputError(
                f"{manifest!r} is no manifest of units: it is written like "
                "s3://BUCKET/FOLDER/NAME.units"
            )
        return cls(folder), name.removesuffix(_UNITS)

    def write_campaign(self, campaign: Campaign) -> None:
        """Write what is computed, and the compiled picker that it needs."""
        self._files.prepare()
        bundle = None
        if campaign.bundle is not None:
            self._bundle().write(campaign.bundle)
            bundle = Path(campaign.bundle.name)  # workers have it in another place
        moved = campaign.model_copy(update={"bundle": bundle})
        self._files.write(_CAMPAIGN, moved.model_dump_json().encode())

    def write_units(self, name: str, units: Iterable[Unit]) -> str:
        """Write a manifest; return its location."""
        self._files.write(f"{name}{_UNITS}", pack(units))
        return f"{self.location}/{name}{_UNITS}"

    def campaign(self) -> Campaign:
        """Return what is computed; its picker is copied to this machine's cache first."""
        text = self._found(_CAMPAIGN, lambda: self._files.read(_CAMPAIGN))
        try:
            campaign = Campaign.model_validate_json(text)
        except ValidationError as error:
            raise InputError(
                f"{_NOUN} {self.location!r}: {_CAMPAIGN} is not understood: it is damaged, or of "
                "another version of epicat"
            ) from error
        if campaign.bundle is None:
            return campaign
        fetched = self._bundle().fetch(campaign.bundle.name)
        return campaign.model_copy(update={"bundle": fetched.folder})

    def _bundle(self) -> KeptBundle:
        return KeptBundle(f"{self.location}/{_BUNDLE}", _NOUN)

    def write_jobs(self, text: str) -> None:
        """Keep what was handed over, in the place of what was kept before."""
        self._files.write(_JOBS, text.encode())

    def jobs(self) -> str | None:
        """Return what was handed over, or None if nothing was."""
        try:
            return self._files.read(_JOBS).decode()
        except FileNotFoundError:
            return None

    def count(self, name: str) -> int:
        """Return the number of units in a manifest."""
        return self._of(name, read_count)

    def units(self, name: str) -> Iterator[Unit]:
        """Give all units of a manifest, which is read at once."""
        file = f"{name}{_UNITS}"
        whole = self._found(file, lambda: self._files.read(file))
        for index in range(read_count(lambda start, end: whole[start:end])):
            yield read_unit(lambda start, end: whole[start:end], index)

    def unit(self, name: str, index: int) -> Unit:
        """Return a unit of a manifest; raise `InputError` for an index that it does not have."""
        return self._of(name, lambda part: read_unit(part, index))

    def _of(self, name: str, read: Callable[[Callable[[int, int], bytes]], T]) -> T:
        file = f"{name}{_UNITS}"

        def part(start: int, end: int) -> bytes:
            return self._files.part(file, start, end)

        try:
            return self._found(file, lambda: read(part))
        except InputError as error:
            raise InputError(f"{self.location}/{file}: {error}") from error

    def _found(self, name: str, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except FileNotFoundError as error:
            raise InputError(f"there is no {name!r} in {_NOUN} {self.location!r}") from error
