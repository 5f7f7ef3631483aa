"""Local magnitudes from stored amplitudes: laws, station corrections and the network magnitude."""
