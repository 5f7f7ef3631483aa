"""epicat: from continuous seismic waveforms to an earthquake catalog."""

__version__ = "0.1.0"
