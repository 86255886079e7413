"""A document in, its chunks out."""
