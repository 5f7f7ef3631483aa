"""What stands for an image: how its command is started on this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Image:
    """A program of this machine in the place of an image.

    For real containers, `arguments` begin with ``podman run`` and hand each variable on: see
    ``tests/image/test_batch.py``.
    """

    entrypoint: Sequence[str] = ()
    """Comes before the job's command."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """What the image sets, and what this machine needs: the endpoint, credentials, PYTHONPATH."""
    folder: Path | None = None
    """Working directory."""

    def arguments(self, command: Sequence[str], environment: Mapping[str, str]) -> list[str]:
        """Return what to start."""
        del environment
        return [*self.entrypoint, *command]
