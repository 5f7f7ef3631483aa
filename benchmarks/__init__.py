"""Benchmarks: ratios from alternating runs on one machine."""
