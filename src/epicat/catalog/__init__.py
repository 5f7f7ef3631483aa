"""Read and choose results of a store."""
