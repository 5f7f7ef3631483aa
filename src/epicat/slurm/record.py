"""Records of submissions to SLURM."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from epicat.campaign.campaign import Campaign
from epicat.campaign.options import Partition
from epicat.errors import InputError
from epicat.pipeline.jobs.submission import Submission
from epicat.pipeline.jobs.submission_record import BaseRecord, find_records, shared_fields
from epicat.slurm.script import Script
from epicat.slurm.settings import SlurmSettings

__all__ = ["SlurmRecord", "find_last", "find_submissions"]


class SlurmRecord(BaseRecord):
    """Record of a submission to a cluster, plain data without secrets."""

    cluster: str
    """Name of the cluster."""
    folder: str
    """Folder of the submission."""
    settings: SlurmSettings
    """What the jobs ask of the cluster."""

    @classmethod
    def from_plan(
        cls,
        place: Path,
        cluster: str,
        settings: SlurmSettings,
        campaign: Campaign,
        partition: Partition,
        *,
        strict: bool,
    ) -> SlurmRecord:
        """Return the record of a new submission in the folder ``place``, without jobs."""
        shared = shared_fields(campaign, partition, strict=strict)
        folder = f"{place}/{shared['name']}"
        return cls(**shared, cluster=cluster, folder=folder, settings=settings)

    @property
    def script(self) -> Script:
        """Makes its batch scripts."""
        return Script(self.folder, self.name, self.settings, self.strict)


def find_submissions(place: Path) -> Iterator[tuple[Submission, SlurmRecord]]:
    """Yield the submissions in a folder, the newest first."""
    if not place.is_dir():
        raise InputError(f"there is no folder {str(place)!r} with submissions")
    return find_records(str(place), SlurmRecord)


def find_last(place: Path) -> tuple[Submission, SlurmRecord]:
    """Return the last submission in a folder; raise `InputError` if there is none."""
    found = next(find_submissions(place), None)
    if found is None:
        raise InputError(f"nothing was submitted from {str(place)!r}; use `epicat submit`")
    return found
