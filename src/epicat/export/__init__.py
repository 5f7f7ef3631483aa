"""Writers of tables and catalogs in the formats of other programs."""
