"""Filters, phrases and exclusions in, the ids of the passages that they let through out."""
