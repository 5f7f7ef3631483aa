"""What a worker process of a pool does first, before it imports what it works with.

So it ends with its parent from the first moment on: imports take a second and more.
"""

from __future__ import annotations

from epicat._util.processes import Handed, follow_parent

__all__ = ["begin", "campaign_json"]

_campaign: Handed | None = None


def begin(campaign: Handed) -> None:
    """Begin a worker process of a campaign."""
    global _campaign  # noqa: PLW0603 - the one state of a worker process, set at its start
    follow_parent()
    _campaign = campaign


def campaign_json() -> str:
    """Return the campaign of this worker process."""
    if _campaign is None:
        raise RuntimeError("this process has not begun as a worker")
    return _campaign.text()
