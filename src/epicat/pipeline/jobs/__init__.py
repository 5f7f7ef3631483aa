"""Campaigns as the jobs of a cluster or a cloud: what targets share."""
