"""The velocity model that ``auto`` fitted in a store: a record that later commands find again.

It is named by the digest of the design with which the sample was associated.  The first record of
a name stays, so that a run that resumes, or another part of it, associates with the same model.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from epicat.association.design import Design
from epicat.store.base import ReadableStore, Store
from epicat.velocity.layers import LayerModel

__all__ = ["FittedVelocity"]

_KIND = "velocity"


class FittedVelocity(BaseModel):
    """A fitted model, and which picks it was fitted to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    layers: tuple[tuple[float, float, float], ...]
    """Depth, vp and vs of the top of each layer."""
    sample: str
    """The days of the picks."""

    @classmethod
    def from_model(cls, model: LayerModel, sample: str) -> FittedVelocity:
        """Take the layers of a model."""
        rows = zip(model.depth_km, model.vp, model.vs, strict=True)
        return cls(layers=tuple(rows), sample=sample)

    @classmethod
    def find(cls, store: ReadableStore, start: Design) -> FittedVelocity | None:
        """Return the model that was fitted in a store, beginning with a design; None if none."""
        record = store.records(_KIND).get(start.digest)
        return None if record is None else cls.model_validate(record)

    def keep(self, store: Store, start: Design) -> FittedVelocity:
        """Record the model unless there is one already; return the one that stays."""
        store.put_record(_KIND, start.digest, self.model_dump(mode="json"))
        return self.find(store, start) or self

    @property
    def model(self) -> LayerModel:
        """The model as uniform layers."""
        depth, vp, vs = zip(*self.layers, strict=True)
        return LayerModel(depth, vp, vs, constant=True)
