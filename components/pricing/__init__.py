"""Monthly list price of a stack, computed from its settings and the dated price lists in `prices/`."""
