"""Picks in, events out: velocity models, travel times and the associator."""
