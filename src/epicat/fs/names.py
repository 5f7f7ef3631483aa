"""Names of files below a folder, with slashes between their parts: none leads out of it."""

from __future__ import annotations

__all__ = ["leads_out"]


def leads_out(name: str) -> bool:
    """Tell whether a name could stand for something that is not below the folder it belongs to.

    Links that lie below the folder are the business of whoever made them.

    Examples
    --------
    >>> leads_out("2020/XX/ST00"), leads_out("2020/../../etc"), leads_out("/etc")
    (False, True, True)

    """
    return name.startswith("/") or ".." in name.split("/") or "\0" in name
