"""Velocity models of a flat layered earth, and travel times through them."""
