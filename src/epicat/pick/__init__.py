"""Picking: windows of samples in, P and S triggers out."""
