"""Objects that are not what they ought to be, and what they cost the others."""

from faults.objects.trials import trials

__all__ = ["trials"]
