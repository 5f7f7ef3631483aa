"""The door to SeisBench: its models, imported so that several processes may do so at once."""

from __future__ import annotations

import json
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, Final

from epicat._util.atomic import atomic_file
from epicat.errors import InputError, ModelError
from epicat.pick.builtin import SHIPPED
from epicat.pick.seisbench.weights import seisbench_cache

__all__ = ["INSTEAD", "seisbench_models"]

INSTEAD: Final = f"or use --model {SHIPPED}, for quick looks"
_INSTALL: Final = "install it with: pip install 'epicat[seisbench]'"
_SETTINGS: Final = {"component_order": "ZNE", "dimension_order": "NCW"}
"""What SeisBench 0.12 writes where it finds no settings."""


def seisbench_models() -> Any:
    """Import and return `seisbench.models`; raise `ModelError` if that cannot be done.

    SeisBench writes its settings at its first import, in place: another process that is
    imported at that moment reads half of them.  Here they are whole before it looks.
    """
    settings = seisbench_cache().parents[1] / "config.json"
    _write_settings(settings)
    try:
        with redirect_stdout(None):
            import seisbench.models
    except ImportError as error:
        raise ModelError(
            f"compiling a model needs SeisBench and PyTorch; {_INSTALL}; {INSTEAD}"
        ) from error
    except json.JSONDecodeError as error:
        raise ModelError(
            f"SeisBench's settings {str(settings)!r} are damaged ({error}): remove the file, "
            "SeisBench writes it anew"
        ) from error
    except OSError as error:
        raise ModelError(
            f"SeisBench cannot use its cache {str(settings.parent)!r}: {error.strerror or error}; "
            "SEISBENCH_CACHE_ROOT names another"
        ) from error
    return seisbench.models


def _write_settings(settings: Path) -> None:
    if settings.exists():
        return
    try:
        settings.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(settings, "w") as file:
            json.dump(_SETTINGS, file, indent=4, sort_keys=True)
    except (OSError, InputError):
        return  # SeisBench says what is wrong
