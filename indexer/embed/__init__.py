"""Texts in, unit vectors out: the embedders, and the run that gives every waiting text its vector."""
