"""What the units of each stage compute."""
