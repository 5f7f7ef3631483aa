"""Test support for epicat and its extensions: contracts of implementations and small fakes."""

from epicat.testing.fake_picker import FakePicker

__all__ = ["FakePicker"]
