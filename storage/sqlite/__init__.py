"""Documents, chunks, terms and vectors in, rows of one SQLite database out: the only truth."""
