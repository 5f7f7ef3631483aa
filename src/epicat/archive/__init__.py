"""Archives of waveforms: how they name their objects, how these are listed and fetched."""
