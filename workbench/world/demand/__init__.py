"""How many requests users would send if nothing went wrong."""
