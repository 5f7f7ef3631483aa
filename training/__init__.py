"""Train `epicat-mini`, the picker that ships with epicat: see docs/models.md."""
