"""Documents, chunks and vectors in; the nearest of them out."""
