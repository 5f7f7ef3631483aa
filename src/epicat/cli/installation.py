"""Checks of the installation: versions, processor, memory, cache, credentials, reachability."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from epicat._version import __version__
from epicat.errors import EpicatError

__all__ = ["Check", "installation_checks", "reachability_checks"]

_REQUIRED: Final = (
    "numpy",
    "scipy",
    "pyarrow",
    "openvino",
    "pyocto",
    "pymseed",
    "obstore",
    "pyproj",
)
"""Packages that every command may need; they are imported, so that a broken one shows."""
_EXTRAS: Final = {
    "example": ("pooch",),
    "plot": ("matplotlib",),
    "query": ("duckdb",),
    "mongo": ("pymongo",),
    "aws": ("boto3",),
    "view": ("starlette", "uvicorn"),
    "dask": ("distributed",),
    "obspy": ("obspy",),
    "seisbench": ("seisbench", "torch"),
}
_WORKER_GB: Final = 0.7
"""Memory of a worker process that picks days of 100 Hz, with some in reserve."""
_CACHE_GB: Final = 1.0
_TIMEOUT_S: Final = 5.0
_GB: Final = 1e9


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report."""

    name: str
    """What was checked."""
    found: str
    """What there is."""
    advice: str = ""
    """What to do; empty if nothing is wrong."""
    is_problem: bool = False
    """Whether epicat does not work as it is."""


def installation_checks() -> Iterator[Check]:
    """Check this machine, without any network; yield each result as soon as it is known."""
    yield Check("epicat", f"{__version__} in {Path(__file__).parent.parent}")
    yield _python()
    yield from map(_package, _REQUIRED)
    yield from (_extra(name, packages) for name, packages in _EXTRAS.items())
    yield _processor()
    yield _memory()
    yield from _cache()
    yield _models()
    yield _credentials()


def reachability_checks() -> Iterator[Check]:
    """Try the servers that commands may need; yield each result as soon as it is known."""
    from epicat.archive.registry import PUBLIC_ARCHIVES
    from epicat.pick.weights.hub import HUBS

    for name, archive in PUBLIC_ARCHIVES.items():
        bucket = archive.location.removeprefix("s3://").partition("/")[0]
        yield _reached(f"archive {name}", f"https://{bucket}.s3.{archive.region}.amazonaws.com/")
    for address in HUBS:
        yield _reached("weights", address)
    yield _reached("stations", "https://service.ncedc.org/fdsnws/station/1/version")


def _python() -> Check:
    found = (
        f"{platform.python_version()} at {sys.executable}, {platform.system()} {platform.machine()}"
    )
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        return Check("Python", found, "only Linux on x86-64 is tested")
    return Check("Python", found)


def _package(name: str) -> Check:
    try:
        import_module(name)
        return Check(name, version(name))
    except Exception as error:  # a broken package may raise anything
        first = str(error).partition("\n")[0]
        advice = "install epicat again in a new environment (docs: Install)"
        return Check(name, f"cannot be imported: {first}", advice, is_problem=True)


def _extra(name: str, packages: tuple[str, ...]) -> Check:
    try:
        return Check(f"extra {name}", ", ".join(f"{one} {version(one)}" for one in packages))
    except PackageNotFoundError:
        return Check(f"extra {name}", "not installed", f"if needed: pip install 'epicat[{name}]'")


def _processor() -> Check:
    from epicat._util.processes import usable_cores
    from epicat.pick.openvino.runtime import reduced_precisions

    cores = usable_cores()
    found = f"{cores} usable {'core' if cores == 1 else 'cores'}"
    try:
        precisions = ", ".join(["f32", "mixed", *reduced_precisions()])
    except Exception as error:  # OpenVINO is broken: it has a line already
        return Check("processor", f"{found}; {error}", is_problem=True)
    flags = _processor_flags()
    wide = [name for name in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if name in flags]
    return Check("processor", f"{found}, {' '.join(wide) or 'no AVX2'}; --precision {precisions}")


def _processor_flags() -> set[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return set()
    return {word for line in lines if line.startswith("flags") for word in line.split()}


def _memory() -> Check:
    from epicat._util.processes import usable_cores

    try:
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
        sizes = dict(line.split(":", 1) for line in lines)
        free_gb = int(sizes["MemAvailable"].split()[0]) * 1024 / _GB
    except (OSError, ValueError, KeyError):
        return Check("memory", "unknown")
    workers = max(1, int(free_gb / _WORKER_GB))
    found = f"{free_gb:.1f} GB available, a worker needs about {_WORKER_GB} GB"
    if workers < usable_cores():
        return Check("memory", found, f"use --workers {workers}")
    return Check("memory", found)


def _cache() -> Iterator[Check]:
    from epicat._util.files import cache_folder

    try:
        folder = cache_folder("bundles").parent
        if not os.access(folder, os.W_OK):
            yield Check(
                "cache", str(folder), "make it writable, or set EPICAT_CACHE", is_problem=True
            )
            return
        free_gb = shutil.disk_usage(folder).free / _GB
    except (EpicatError, OSError) as error:
        yield Check("cache", str(error), "set EPICAT_CACHE to a folder", is_problem=True)
        return
    advice = "" if free_gb > _CACHE_GB else "free some space, or set EPICAT_CACHE"
    yield Check("cache", f"{folder}, {free_gb:.0f} GB free", advice)


def _models() -> Check:
    from epicat.pick.openvino.bundle import list_bundles

    try:
        names = sorted({f"{b.info.model} {b.info.weight}" for b in list_bundles()})
    except EpicatError as error:
        return Check("pickers", str(error), is_problem=True)
    return Check("pickers", ", ".join(["epicat-mini (built in)", *names]))


def _credentials() -> Check:
    if os.environ.get("AWS_ACCESS_KEY_ID"):
        return Check("AWS credentials", "from the environment")
    home = Path(os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or Path.home() / ".aws/credentials")
    if home.is_file():
        return Check("AWS credentials", f"in {home}")
    return Check("AWS credentials", "none; public archives need none")


def _reached(name: str, address: str) -> Check:
    """Ask a server for its first page; any answer of it shows that it can be reached."""
    request = Request(address, headers={"User-Agent": "epicat"})  # noqa: S310 - our own https
    try:
        with urlopen(request, timeout=_TIMEOUT_S):  # noqa: S310 - likewise # nosec B310
            pass
    except HTTPError as error:
        error.close()  # an answer as well, such as "access denied" for a bucket's list
    except (OSError, ValueError) as error:
        found = f"{address} cannot be reached: {getattr(error, 'reason', None) or error}"
        advice = "check the network, a proxy (HTTPS_PROXY), or try later"
        return Check(name, found, advice, is_problem=True)
    return Check(name, f"{address} answers")
