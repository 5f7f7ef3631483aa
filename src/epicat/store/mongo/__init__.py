"""The store for a catalog that several people watch while it grows: a database of MongoDB."""
