"""What tests of epicat, and of what is built on it, share: small fakes instead of mocks."""

from epicat.testing.fake_picker import FakePicker

__all__ = ["FakePicker"]
