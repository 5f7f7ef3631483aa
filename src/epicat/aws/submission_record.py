"""Records of submissions: the list of jobs in each submission's folder."""

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
from epicat.fs.base import open_files
from epicat.model import Stage
from epicat.pipeline.submission import Submission

__all__ = ["Job", "SubmissionRecord", "find_last", "find_submissions", "folder_of", "new_name"]

_NAME = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")


class Job(BaseModel):
    """An array of jobs, or a plain one, that Batch has taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """The array's name within the submission, for example ``pick-0002``."""
    stage: Stage
    """What it does."""
    id: str
    """Batch's name of it."""
    units: int
    """How many units of work it has: 1 for a plain job."""
    keys: int
    """How many station-days or blocks they are."""
    first: str
    """The first of its days, such as ``2019.172``."""
    last: str
    """The last of them."""
    seconds: float
    """Estimated time of all units together."""

    @property
    def order(self) -> tuple[str, bool, str]:
        """Sorts jobs by their days, picking before association."""
        return self.first, self.stage == Stage.ASSOCIATE, self.name

    @property
    def window(self) -> str:
        """Number of the window of days, as in its name."""
        return self.name.partition("-")[2].partition(".")[0]


class SubmissionRecord(BaseModel):
    """Record of a submission.  Plain data without secrets."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """Name of the submission's folder."""
    stack: str
    """Name of the stack."""
    time: datetime
    """When it was started."""
    store: str
    """Where results go."""
    run: str
    """Digest of the run."""
    associator: str
    """Digest of the associator."""
    stations: int
    """How many places the campaign has."""
    partition: Partition
    """How the work was partitioned."""
    strict: bool = False
    """Whether a unit that fails fails its window."""
    capacity: str
    """``spot`` or ``on-demand``."""
    architecture: str
    """Kind of processor."""
    has_address: bool
    """Whether jobs have public addresses."""
    pick: Shape
    """What a picking job has of a machine."""
    associate: Shape
    """What an associating job has."""
    jobs: tuple[Job, ...] = ()
    """What Batch has taken, in this order."""

    @classmethod
    def from_plan(
        cls, stack: Stack, campaign: Campaign, partition: Partition, *, strict: bool
    ) -> SubmissionRecord:
        """Return the record of what will be submitted, without jobs so far."""
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
        """Return what a stage's jobs have of a machine."""
        return self.pick if stage == Stage.PICK else self.associate

    @property
    def prices(self) -> Prices:
        """What its jobs cost by the hour."""
        return Prices.from_architecture(
            self.architecture, self.capacity, has_address=self.has_address
        )


def new_name(now: datetime) -> str:
    """Return a name that no other submission has; names sort by time."""
    return f"{now:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"


def folder_of(stack: Stack, name: str) -> str:
    """Return where a submission's folder is."""
    return f"{stack.outputs['Place']}submissions/{name}"


def find_submissions(stack: Stack) -> Iterator[tuple[Submission, SubmissionRecord]]:
    """Give what was submitted to a stack, the newest first."""
    place = f"{stack.outputs['Place']}submissions"
    names = [name for name in open_files(place, "submissions").top() if _NAME.fullmatch(name)]
    for name in sorted(names, reverse=True):
        submission = Submission(f"{place}/{name}")
        text = submission.jobs()
        if text is not None:
            yield submission, _understood(text, submission.location)


def find_last(stack: Stack) -> tuple[Submission, SubmissionRecord]:
    """Return what was submitted last; raise `InputError` if nothing was."""
    found = next(find_submissions(stack), None)
    if found is None:
        raise InputError(f"nothing was submitted to {stack.name}: `epicat submit` does it")
    return found


def _understood(text: str, location: str) -> SubmissionRecord:
    try:
        return SubmissionRecord.model_validate_json(text)
    except ValidationError as error:
        raise InputError(
            f"submission {location!r}: jobs.json cannot be read; it may come from "
            "another version of epicat"
        ) from error
