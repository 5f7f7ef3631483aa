"""Stores: where tables, the ledger and the records of runs are kept."""
