"""Reading rows: query options, filters, expansions, pages."""
