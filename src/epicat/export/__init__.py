"""Formats that tables leave epicat in."""
