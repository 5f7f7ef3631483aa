"""Hypocenters with calibrated uncertainty, from associated picks and a velocity model."""
