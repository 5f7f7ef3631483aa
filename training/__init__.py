"""Training of `epicat-mini`, the built-in picker: see docs/howto/models.md."""
