"""The stages on data that are in memory: no store, no campaign file."""
