"""The Python API: what the command line does, as functions that print nothing.

Everything here is imported from `epicat` itself::

    import epicat as ec

    catalog = ec.run(ec.resolve(ec.CampaignOptions.from_toml("mendocino.toml")), workers=2)
    catalog.plot()

Bad input raises the errors of `epicat.errors`; progress goes to a listener, if one is given.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from epicat.errors import InputError
from epicat.pick.pick_options import PickOptions, Precision

if TYPE_CHECKING:
    from epicat.archive.archive import Archive
    from epicat.campaign.campaign import Campaign
    from epicat.campaign.options import Partition
    from epicat.catalog.catalog import Catalog
    from epicat.geo import Extent
    from epicat.model import Station
    from epicat.pick.picker import Picker
    from epicat.pipeline.runner import Listener

__all__ = ["load_picker", "load_stations", "open_archive", "run"]


def load_picker(
    model: str = "PhaseNet",
    weights: str | Path = "original",
    *,
    precision: Precision = "f32",
    threads: int = 1,
) -> Picker:
    """Load a picker, compiled now if it was never used on this machine.

    Parameters
    ----------
    model
        Architecture, as SeisBench names it, or ``epicat-mini``, which comes with epicat.
    weights
        Name of the weights, or a ``.pt`` file next to its ``.json``.
    precision
        ``f32``; ``mixed`` gives the same picks faster where the processor has bf16 or f16.
    threads
        Inference threads.

    Raises
    ------
    InputError
        For a model that cannot pick, or an unknown name.
    ModelError
        If the weights cannot be found, downloaded or compiled.

    Examples
    --------
    >>> import epicat as ec
    >>> picker = ec.load_picker("epicat-mini")
    >>> picker.info.sampling_rate, picker.info.phases
    (100.0, ('N', 'P', 'S'))

    """
    from epicat.pick.load import load_picker as load
    from epicat.pick.resolve import prepare_bundle

    options = PickOptions(model=model, weight=str(weights), precision=precision)
    return load(prepare_bundle(options), threads, precision)


def open_archive(archive: str | Path, layout: str | None = None) -> Archive:
    """Open an archive of waveforms: a public one by name, ``s3://BUCKET/PREFIX`` or a folder.

    ``layout`` says how a folder or bucket names its objects, for example ``sds``; public archives
    have their own.  Raises `InputError` for an unknown name or a missing layout, `ArchiveError`
    for a folder that does not exist.

    Examples
    --------
    >>> import epicat as ec
    >>> archive = ec.open_archive("waveforms", "sds")
    >>> span = ec.Span.parse("2024-03-01", "2024-03-02")
    >>> network, station = ec.load_stations("stations.csv")[0].name.split(".")
    >>> [item.size > 0 for item in archive.objects(network, station, span)]
    [True, True, True]

    """
    from epicat.archive.archive import open_archive as open_at
    from epicat.archive.registry import layout_for

    where = str(archive)
    return open_at(where, layout_for(where, layout))


def load_stations(where: str | Path, extent: Extent | None = None) -> list[Station]:
    """Return the stations of a list, StationXML (file or folder) or FDSN web service.

    ``extent`` keeps those inside it.  Raises `InputError` for what cannot be read.

    Examples
    --------
    >>> import epicat as ec
    >>> stations = ec.load_stations("stations.csv", extent=ec.Extent(-90, 90, -180, 180))
    >>> stations[0].elevation_m >= 0
    True

    """
    from epicat.stations import bucket_opener, find_stations, select

    found = find_stations(str(where), extent, None, bucket_opener())
    return found if extent is None else select(found, extent)


def run(
    campaign: Campaign,
    *,
    workers: int | None = None,
    partition: Partition | None = None,
    listener: Listener | None = None,
    recheck: bool = False,
) -> Catalog:
    """Do what is due of a campaign on this machine, and return its catalog.

    What the store has already is not done again, so that an interrupted run resumes.  Works in a
    notebook and in a thread.  Ctrl-C raises KeyboardInterrupt; whatever was marked done is kept.

    Parameters
    ----------
    campaign
        From `resolve`.
    workers
        Processes; None: one for each core.
    partition
        How many station-days and blocks a unit of work has; results do not depend on it.
    listener
        Is told the plan and each finished unit; see `Listener`.
    recheck
        Whether to look again at station-days whose objects may have changed.

    Raises
    ------
    ArchiveError, ModelError, StoreError
        If the archive is unreachable, the picker does not load, or the store cannot be written.

    Warns
    -----
    UserWarning
        If some of the work failed.  `Catalog.ledger` has the reasons; running again retries it.

    Examples
    --------
    >>> import epicat as ec
    >>> campaign = ec.resolve(ec.CampaignOptions.from_toml("campaign.toml"))
    >>> ec.run(campaign, workers=1).events().num_rows > 0
    True

    """
    from epicat.pipeline.local import run_locally

    if workers is not None and workers < 1:
        raise InputError(f"workers={workers}: at least one process is needed")
    return run_locally(
        campaign, workers=workers, partition=partition, listener=listener, recheck=recheck
    )
