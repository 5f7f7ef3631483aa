"""Whether a store is what it should be: `epicat.store.verify.verify`."""
