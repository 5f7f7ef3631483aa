"""Waveform archives: how objects are named, listed and read."""
