"""Where a submission's picker comes from: this machine, or a job of AWS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from epicat.cli.progress import say

if TYPE_CHECKING:
    from epicat.aws.session import Aws
    from epicat.aws.stack import Stack
    from epicat.pick.openvino.bundle import Bundle
    from epicat.pick.options import PickOptions

__all__ = ["Preparing"]


@dataclass(slots=True)
class Preparing:
    """Give `resolve` the compiled picker of a submission."""

    aws: Aws
    stack: Stack
    in_cloud: bool
    """Whether a job compiles it, also where SeisBench is installed."""
    dry_run: bool
    """Whether nothing may be submitted."""
    is_put_off: bool = False
    """Whether it would be compiled by a job that a dry run does not submit."""

    def __call__(self, options: PickOptions) -> Bundle:
        """Return the picker; in a dry run that would need a job, the shipped one in its place.

        How the work is cut does not depend on the picker, but what of it is done does.
        """
        from epicat.aws.compile_job import check_compiler, compiled, kept_bundle
        from epicat.pick.builtin import shipped_bundle
        from epicat.pick.resolve import can_compile, find_bundle, prepare_bundle

        found = find_bundle(options)
        if found is not None:
            return found
        if can_compile() and not self.in_cloud:
            return prepare_bundle(options)
        if self.dry_run and not kept_bundle(self.stack, options).is_whole():
            check_compiler(self.stack, options)
            self.is_put_off = True
            return shipped_bundle()
        return compiled(self.aws, self.stack, options, say)
