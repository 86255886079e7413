"""Vectors in, the nearest of them to a question's out: indexes derived from the database."""
