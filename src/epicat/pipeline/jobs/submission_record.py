"""Records of submissions: the submitted arrays, in the folder of each submission."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from epicat.campaign.campaign import Campaign
from epicat.campaign.options import Partition
from epicat.errors import InputError
from epicat.fs.open import open_files
from epicat.ledger import Stage
from epicat.pipeline.jobs.submission import Submission

__all__ = ["BaseRecord", "Job", "find_records", "new_name", "shared_fields"]

_NAME = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")


class Job(BaseModel):
    """An array of jobs, or a plain job, that was submitted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """Name within the submission, for example ``pick-0002``."""
    stage: Stage
    """Stage of its units."""
    id: str
    """Job id of the target."""
    units: int
    """Number of units: 1 for a plain job."""
    keys: int
    """Number of station-days or blocks."""
    first: str
    """First day, such as ``2019.172``."""
    last: str
    """Last day."""
    seconds: float
    """Estimated duration of all units in seconds."""

    @property
    def order(self) -> tuple[str, bool, str]:
        """Sort key: by days, picking before association."""
        return self.first, self.stage == Stage.ASSOCIATE, self.name

    @property
    def window(self) -> str:
        """Number of the window of days, as in its name."""
        return self.name.partition("-")[2].partition(".")[0]


class BaseRecord(BaseModel):
    """What the records of all targets contain: plain data without secrets."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """Name of the submission's folder."""
    time: datetime
    """Start of the submission."""
    store: str
    """Location of the results."""
    run: str
    """Digest of the run."""
    associator: str
    """Digest of the associator."""
    stations: int
    """Number of places of the campaign."""
    partition: Partition
    """How the work was partitioned."""
    strict: bool = False
    """Whether a failed unit fails its window."""
    jobs: tuple[Job, ...] = ()
    """Submitted jobs, in the order of submission."""

    @property
    def ids(self) -> dict[str, str]:
        """The ids of the submitted jobs by name."""
        return {job.name: job.id for job in self.jobs}


def shared_fields(campaign: Campaign, partition: Partition, *, strict: bool) -> dict[str, Any]:
    """Return the fields of `BaseRecord` for a new submission, without jobs."""
    now = datetime.now(UTC)
    return {
        "name": new_name(now),
        "time": now,
        "store": campaign.store,
        "run": campaign.run.digest,
        "associator": campaign.design.digest,
        "stations": len(campaign.names),
        "partition": partition,
        "strict": strict,
    }


def new_name(now: datetime) -> str:
    """Return a unique name; names sort by time."""
    return f"{now:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"


R = TypeVar("R", bound=BaseRecord)


def find_records(place: str, kind: type[R]) -> Iterator[tuple[Submission, R]]:
    """Yield the submissions in a folder of submissions, the newest first."""
    names = [name for name in open_files(place, "submissions").top() if _NAME.fullmatch(name)]
    for name in sorted(names, reverse=True):
        submission = Submission(f"{place}/{name}")
        text = submission.jobs()
        if text is not None:
            yield submission, _parse(text, submission.location, kind)


def _parse(text: str, location: str, kind: type[R]) -> R:
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        raise InputError(
            f"submission {location!r}: jobs.json cannot be read by this version of epicat "
            f"({error.error_count()} invalid fields)"
        ) from error
