"""Small helpers that know nothing of seismology."""
