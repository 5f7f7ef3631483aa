"""The identity of amplitudes: equal definitions on the same picks and responses are equal."""

from __future__ import annotations

from functools import cached_property

from pydantic import BaseModel, ConfigDict

from epicat.amplitude.rows import WINDOWS_S
from epicat.amplitude.wood_anderson import GAIN, HIGHPASS_HZ, HIGHPASS_ORDER, POLE
from epicat.model import digest_of

__all__ = ["AmplitudeDesign"]

_ALGORITHM = 3
"""Incremented when the same waveforms and responses give different amplitudes or polarities."""


class AmplitudeDesign(BaseModel):
    """What decides the amplitudes of a run, apart from waveforms and responses.

    Like waveforms, responses belong to what is measured: the ledger has their digest for each
    station-day, which is measured again when it changes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    """Digest of the run of the picks."""
    gain: float = GAIN
    """Magnification of the seismograph."""
    pole: tuple[float, float] = (POLE.real, POLE.imag)
    """Real and imaginary part of one of its poles, rad/s."""
    highpass_hz: float = HIGHPASS_HZ
    """Corner of the high-pass."""
    highpass_order: int = HIGHPASS_ORDER
    """Order of the high-pass, a causal Butterworth filter."""
    windows_s: tuple[int, ...] = WINDOWS_S
    """Lengths of the windows after a pick."""
    algorithm: int = _ALGORITHM
    """Version of the measurement."""

    @cached_property
    def digest(self) -> str:
        """Identifies the amplitudes."""
        return digest_of(
            "amplitudes", self.run, self.gain, *self.pole, self.highpass_hz, self.highpass_order,
            *self.windows_s, self.algorithm,
        )  # fmt: skip
