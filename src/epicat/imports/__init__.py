"""Readers of picks and events that other programs wrote."""
