"""Prepare the picker of a submission, on this machine or by a job on AWS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from epicat.cli.messages import report

if TYPE_CHECKING:
    from epicat.aws.session import Aws
    from epicat.aws.stack import Stack
    from epicat.pick.openvino.bundle import Bundle
    from epicat.pick.options import PickOptions

__all__ = ["Preparing"]


@dataclass(slots=True)
class Preparing:
    """Returns the compiled picker of a submission; an argument of `resolve`."""

    aws: Aws
    stack: Stack
    in_cloud: bool
    """Whether a job compiles it even if SeisBench is installed here."""
    dry_run: bool
    """Whether nothing may be submitted."""
    is_deferred: bool = False
    """Whether it would be compiled by a job that a dry run does not submit."""

    def __call__(self, options: PickOptions) -> Bundle:
        """Return the picker; in a dry run that would need a job, the built-in one instead.

        The partitioning of the work does not depend on the picker, but what is already done does.
        """
        from epicat.aws.compile_job import check_compiler, fetch_or_compile, kept_bundle
        from epicat.pick.builtin import shipped_bundle
        from epicat.pick.resolve import can_compile, find_bundle, prepare_bundle

        found = find_bundle(options)
        if found is not None:
            return found
        if can_compile() and not self.in_cloud:
            return prepare_bundle(options)
        if self.dry_run and not kept_bundle(self.stack, options).is_whole():
            check_compiler(self.stack, options)
            self.is_deferred = True
            return shipped_bundle()
        return fetch_or_compile(self.aws, self.stack, options, report)
