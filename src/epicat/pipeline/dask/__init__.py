"""Run the units of a campaign on a Dask cluster (extra ``dask``)."""
