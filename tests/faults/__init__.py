"""Faults that happen, put to whole campaigns: what they cost the catalog must be nothing."""
