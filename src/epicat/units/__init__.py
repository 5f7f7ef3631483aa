"""The two kinds of work: picking station-days and associating blocks."""
