"""A submission: everything that remote workers need, in one folder.

    FOLDER/campaign.json       what is computed
    FOLDER/bundle/...          the compiled picker
    FOLDER/NAME.units          units, see `epicat.pipeline.manifest`
    FOLDER/jobs.json           the jobs that were submitted
    FOLDER/arrays.json         the arrays of jobs, if another program submits them

The folder contains no secrets.  Its files are written once and never changed, except for the list
of jobs, which grows while they are submitted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from epicat.campaign.campaign import Campaign
from epicat.errors import InputError
from epicat.fs.base import Files
from epicat.fs.open import open_files
from epicat.pick.remote_bundle import RemoteBundle
from epicat.pipeline.jobs.job_arrays import JobArray
from epicat.pipeline.manifest import pack, read_count, read_unit
from epicat.pipeline.plan import Unit

__all__ = ["Submission", "with_absolute_paths"]

_NOUN = "submission"
_CAMPAIGN, _BUNDLE, _UNITS, _JOBS = "campaign.json", "bundle", ".units", "jobs.json"
_ARRAYS = "arrays.json"

T = TypeVar("T")


class Submission:
    """The folder of a submission, read and written lazily."""

    def __init__(self, location: str) -> None:
        self._files: Files = open_files(location.rstrip("/"), _NOUN)
        self.location = self._files.location

    @classmethod
    def from_manifest(cls, manifest: str) -> tuple[Submission, str]:
        """Return the submission of a manifest, and the name of the manifest.

        Raises `InputError` if the location is not like ``s3://BUCKET/FOLDER/NAME.units``.
        """
        folder, _, name = manifest.rpartition("/")
        if not folder or not name.endswith(_UNITS) or name == _UNITS:
            raise InputError(
                f"{manifest!r} is not the location of a manifest, such as "
                "s3://BUCKET/FOLDER/NAME.units"
            )
        return cls(folder), name.removesuffix(_UNITS)

    def write_campaign(self, campaign: Campaign) -> None:
        """Write the campaign and its compiled picker."""
        self._files.prepare()
        bundle = None
        if campaign.bundle is not None:
            self._bundle().write(campaign.bundle)
            bundle = Path(campaign.bundle.name)  # workers copy it to their cache
        moved = campaign.model_copy(update={"bundle": bundle})
        self._files.write(_CAMPAIGN, moved.model_dump_json().encode())

    def write_units(self, name: str, units: Iterable[Unit]) -> str:
        """Write a manifest; return its location."""
        self._files.write(f"{name}{_UNITS}", pack(units))
        return f"{self.location}/{name}{_UNITS}"

    def campaign(self) -> Campaign:
        """Return the campaign, after copying its picker to the cache of this machine."""
        text = self._found(_CAMPAIGN, lambda: self._files.read(_CAMPAIGN))
        try:
            campaign = Campaign.model_validate_json(text)
        except ValidationError as error:
            raise InputError(
                f"{_NOUN} {self.location!r}: {_CAMPAIGN} cannot be read by this version of epicat "
                f"({error.error_count()} invalid fields)"
            ) from error
        if campaign.bundle is None:
            return campaign
        fetched = self._bundle().fetch(campaign.bundle.name)
        return campaign.model_copy(update={"bundle": fetched.folder})

    def _bundle(self) -> RemoteBundle:
        return RemoteBundle(f"{self.location}/{_BUNDLE}", _NOUN)

    def write_jobs(self, text: str) -> None:
        """Write the record of the submitted jobs, replacing an earlier one."""
        self._files.write(_JOBS, text.encode())

    def has_campaign(self) -> bool:
        """Return whether a campaign was written here."""
        return self._files.exists(_CAMPAIGN)

    def write_arrays(self, arrays: Iterable[JobArray]) -> list[dict[str, Any]]:
        """Write the manifests of arrays and, last, ``arrays.json``; return what is in it.

        For each array its name, stage, number of units, and the arrays that it needs.
        """
        written = []
        for array in arrays:
            self.write_units(array.name, array.units)
            written.append(
                {
                    "name": array.name,
                    "stage": array.stage.value,
                    "units": len(array.units),
                    "needs": list(array.needs),
                }
            )
        self._files.write(_ARRAYS, json.dumps({"arrays": written}, indent=1).encode())
        return written

    def jobs(self) -> str | None:
        """Return the record of the submitted jobs; None if nothing was submitted."""
        try:
            return self._files.read(_JOBS).decode()
        except FileNotFoundError:
            return None

    def count(self, name: str) -> int:
        """Return the number of units in a manifest."""
        return self._of(name, read_count)

    def units(self, name: str) -> Iterator[Unit]:
        """Yield all units of a manifest."""
        file = f"{name}{_UNITS}"
        data = self._found(file, lambda: self._files.read(file))
        for index in range(read_count(lambda start, end: data[start:end])):
            yield read_unit(lambda start, end: data[start:end], index)

    def unit(self, name: str, index: int) -> Unit:
        """Return a unit of a manifest; raise `InputError` if the index is out of range."""
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


def with_absolute_paths(campaign: Campaign) -> Campaign:
    """Return the campaign with absolute paths: remote workers run in another folder."""
    changed = {
        name: str(Path(value).expanduser().absolute())
        for name in ("store", "archive")
        if _is_folder(value := getattr(campaign, name))
    }
    return campaign.model_copy(update=changed)


def _is_folder(location: str) -> bool:
    return bool(location) and ":" not in location.partition("/")[0]
