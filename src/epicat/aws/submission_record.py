"""Records of submissions to AWS Batch."""

from __future__ import annotations

from collections.abc import Iterator

from epicat.aws.prices import Prices, Shape
from epicat.aws.stack import Stack
from epicat.campaign.campaign import Campaign
from epicat.campaign.options import Partition
from epicat.errors import InputError
from epicat.ledger import Stage
from epicat.pipeline.jobs.submission import Submission
from epicat.pipeline.jobs.submission_record import (
    BaseRecord,
    Job,
    find_records,
    new_name,
    shared_fields,
)

__all__ = ["Job", "SubmissionRecord", "find_last", "find_submissions", "folder_of", "new_name"]


class SubmissionRecord(BaseRecord):
    """Record of a submission to a stack, plain data without secrets."""

    stack: str
    """Name of the stack."""
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

    @classmethod
    def from_plan(
        cls, stack: Stack, campaign: Campaign, partition: Partition, *, strict: bool
    ) -> SubmissionRecord:
        """Return the record of a new submission, without jobs."""
        return cls(
            **shared_fields(campaign, partition, strict=strict),
            stack=stack.name,
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


def folder_of(stack: Stack, name: str) -> str:
    """Return the location of a submission's folder."""
    return f"{_place(stack)}/{name}"


def find_submissions(stack: Stack) -> Iterator[tuple[Submission, SubmissionRecord]]:
    """Yield the submissions to a stack, the newest first."""
    return find_records(_place(stack), SubmissionRecord)


def find_last(stack: Stack) -> tuple[Submission, SubmissionRecord]:
    """Return the last submission; raise `InputError` if there is none."""
    found = next(find_submissions(stack), None)
    if found is None:
        raise InputError(f"nothing was submitted to {stack.name}; use `epicat submit`")
    return found


def _place(stack: Stack) -> str:
    return f"{stack.outputs['Place']}submissions"
