"""The campaign file: read, checked together with what else was given, written and documented."""
