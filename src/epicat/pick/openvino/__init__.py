"""Pickers compiled for OpenVINO."""
