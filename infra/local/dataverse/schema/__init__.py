"""The simulated tables as data: columns with types, lengths, ranges, choices, lookups and what a deletion does."""
