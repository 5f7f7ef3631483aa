"""Records of submissions: the jobs, in the folder of each submission."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, ValidationError

from epicat.aws.prices import Prices, Shape
from epicat.aws.stack import Stack
from epicat.campaign.campaign import Campaign
from epicat.campaign.options import Partition
from epicat.errors import InputError
from epicat.fs.open import open_files
from epicat.model import Stage
from epicat.pipeline.submission import Submission

__all__ = ["Job", "SubmissionRecord", "find_last", "find_submissions", "folder_of", "new_name"]

_NAME = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")


class Job(BaseModel):
    """An array of jobs, or a plain job, that was submitted to Batch."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """Name within the submission, for example ``pick-0002``."""
    stage: Stage
    """Stage of its units."""
    id: str
    """Job id of Batch."""
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


class SubmissionRecord(BaseModel):
    """Record of a submission, plain data without secrets."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """Name of the submission's folder."""
    stack: str
    """Name of the stack."""
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
    capacity: str
    """``spot`` or ``on-demand``."""
    architecture: str
    """Processor architecture."""
    has_address: bool
    """Whether jobs have public addresses."""
    pick: Shape
    """vCPUs and memory of a picking job."""
    associate: Shape
    """vCPUs and memory of an association job."""
    jobs: tuple[Job, ...] = ()
    """Submitted jobs, in the order of submission."""

    @classmethod
    def from_plan(
        cls, stack: Stack, campaign: Campaign, partition: Partition, *, strict: bool
    ) -> SubmissionRecord:
        """Return the record of a new submission, without jobs."""
        now = datetime.now(UTC)
        return cls(
            name=new_name(now),
            stack=stack.name,
            time=now,
            store=campaign.store,
            run=campaign.run.digest,
            associator=campaign.design.digest,
            stations=len(campaign.names),
            partition=partition,
            strict=strict,
            capacity=stack.parameters["Capacity"],
            architecture=stack.parameters["Architecture"],
            has_address=stack.parameters["PublicIp"] == "ENABLED",
            pick=Shape.from_stack(stack, "Pick"),
            associate=Shape.from_stack(stack, "Associate"),
        )

    def shape(self, stage: Stage) -> Shape:
        """Return vCPUs and memory of the jobs of a stage."""
        return self.pick if stage == Stage.PICK else self.associate

    @property
    def prices(self) -> Prices:
        """Hourly prices of its jobs."""
        return Prices.from_architecture(
            self.architecture, self.capacity, has_address=self.has_address
        )


def new_name(now: datetime) -> str:
    """Return a unique name; names sort by time."""
    return f"{now:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"


def folder_of(stack: Stack, name: str) -> str:
    """Return the location of a submission's folder."""
    return f"{stack.outputs['Place']}submissions/{name}"


def find_submissions(stack: Stack) -> Iterator[tuple[Submission, SubmissionRecord]]:
    """Yield the submissions to a stack, the newest first."""
    place = f"{stack.outputs['Place']}submissions"
    names = [name for name in open_files(place, "submissions").top() if _NAME.fullmatch(name)]
    for name in sorted(names, reverse=True):
        submission = Submission(f"{place}/{name}")
        text = submission.jobs()
        if text is not None:
            yield submission, _parse(text, submission.location)


def find_last(stack: Stack) -> tuple[Submission, SubmissionRecord]:
    """Return the last submission; raise `InputError` if there is none."""
    found = next(find_submissions(stack), None)
    if found is None:
        raise InputError(f"nothing was submitted to {stack.name}; use `epicat submit`")
    return found


def _parse(text: str, location: str) -> SubmissionRecord:
    try:
        return SubmissionRecord.model_validate_json(text)
    except ValidationError as error:
        raise InputError(
            f"submission {location!r}: jobs.json cannot be read by this version of epicat "
            f"({error.error_count()} invalid fields)"
        ) from error
