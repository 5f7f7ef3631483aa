"""The design of magnitudes: all that decides their values, and the digest that names it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from epicat.errors import InputError
from epicat.magnitude.corrections import Corrections
from epicat.magnitude.laws import Law, law_named
from epicat.magnitude.network import NetworkModel
from epicat.magnitude.options import MagnitudeOptions
from epicat.model import digest_of

__all__ = ["MagnitudeDesign"]

_ALGORITHM = 4
"""Raised when the same design gives other magnitudes."""


class MagnitudeDesign(BaseModel):
    """What magnitudes are, apart from the events."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    associator: str
    """Digest of the associator whose events have them."""
    location: str
    """Digest of the location that distances are from; empty for the association's places."""
    amplitude: str
    """Digest of the definition of the amplitudes, which names the run."""
    law: Law
    """Distance correction."""
    least_snr: float
    """Amplitudes below this multiple of the noise are upper bounds."""
    least_stations: int
    """Stations with a value that a magnitude needs."""
    network: NetworkModel = NetworkModel()
    """What is assumed of station magnitudes."""
    corrections: tuple[tuple[str, float], ...] = ()
    """Station and correction."""
    corrections_digest: str = ""
    """Digest of the corrections; empty for none."""
    algorithm: int = _ALGORITHM
    """Version of the algorithm."""

    @classmethod
    def from_options(
        cls,
        options: MagnitudeOptions,
        *,
        associator: str,
        location: str,
        amplitude: str,
        corrections: Corrections | None = None,
    ) -> MagnitudeDesign:
        """Return the design; raise `InputError` if the corrections are for another law."""
        law = law_named(options.law)
        if corrections and corrections.law != law.name:
            raise InputError(
                f"the station corrections are for the law {corrections.law!r}, not {law.name!r}; "
                "compute them with `epicat magnitudes corrections` for this one"
            )
        return cls(
            associator=associator,
            location=location,
            amplitude=amplitude,
            law=law,
            least_snr=options.least_snr,
            least_stations=options.least_stations,
            corrections=tuple(corrections.by_station.items()) if corrections else (),
            corrections_digest=corrections.digest if corrections else "",
        )

    @property
    def digest(self) -> str:
        """Identifies the magnitudes; equal for equal designs."""
        return digest_of(self.model_dump_json())
