"""Writing rows: bodies, validation, computed columns, keys, and what a deletion takes along."""
