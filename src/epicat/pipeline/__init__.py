"""Run a plan: executors, and the one loop that feeds them."""
