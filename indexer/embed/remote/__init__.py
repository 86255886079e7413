"""Texts in, unit vectors out, computed by a server."""
