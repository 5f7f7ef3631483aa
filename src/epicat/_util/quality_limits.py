"""Limits of quality control: optional, and without effect unless set."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

__all__ = ["Limits"]


class Limits(BaseModel):
    """Base of the options of quality control, each of which is None unless it is set.

    Digests omit limits that are not set, so that a new kind of limit does not change the digests
    of earlier results.
    """

    model_config = ConfigDict(
        defer_build=True, frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True
    )

    @property
    def given(self) -> tuple[str, ...]:
        """The limits that are set, as ``name=value`` in the order of names."""
        return tuple(f"{name}={value!r}" for name, value in sorted(self) if value is not None)
