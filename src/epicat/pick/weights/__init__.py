"""Files of network weights: find them, download them, and read the arrays in them."""
