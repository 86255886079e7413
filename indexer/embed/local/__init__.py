"""Texts in, unit vectors out, computed in this process."""
