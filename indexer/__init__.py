"""Files in, chunks and vectors out."""
