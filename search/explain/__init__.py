"""A document or passage in, why it was not among the hits out."""
