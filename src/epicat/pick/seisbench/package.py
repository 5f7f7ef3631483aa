"""Import SeisBench so that several processes may do so at once."""

from __future__ import annotations

import json
from contextlib import redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from epicat._util.files import atomic_file
from epicat.errors import InputError, ModelError
from epicat.pick.builtin import ALTERNATIVE
from epicat.pick.weights.files import seisbench_cache

__all__ = ["INSTALL", "check_installed", "is_installed", "seisbench_models"]

INSTALL: Final = (
    "install both with: pip install torch --index-url https://download.pytorch.org/whl/cpu && "
    "pip install 'epicat[seisbench]'"
)
"""The first command gets PyTorch for CPUs alone, without gigabytes of CUDA."""
_SETTINGS: Final = {"component_order": "ZNE", "dimension_order": "NCW"}
"""What SeisBench 0.12 writes where it finds no settings."""


def is_installed() -> bool:
    """Return whether SeisBench and PyTorch are installed here, without importing them."""
    try:
        return all(find_spec(name) is not None for name in ("seisbench", "torch"))
    except ImportError:
        return False


def check_installed(model: str) -> None:
    """Raise `ModelError` if a model cannot be compiled for want of SeisBench or PyTorch."""
    if not is_installed():
        raise _not_installed(model)


def _not_installed(model: str) -> ModelError:
    return ModelError(f"compiling {model} needs PyTorch and SeisBench; {INSTALL}; {ALTERNATIVE}")


def seisbench_models() -> Any:
    """Import and return `seisbench.models`; raise `ModelError` if that cannot be done.

    SeisBench writes its settings in place at its first import: another process that imports it at
    that moment reads half of them.  Here they are complete before it looks.
    """
    settings = seisbench_cache().parents[1] / "config.json"
    _write_settings(settings)
    try:
        with redirect_stdout(None):
            import seisbench.models
    except ImportError as error:
        raise _not_installed("this model") from error
    except json.JSONDecodeError as error:
        raise ModelError(
            f"SeisBench's settings {str(settings)!r} are damaged ({error}): delete the file, "
            "SeisBench writes it again"
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
