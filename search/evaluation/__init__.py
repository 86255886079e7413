"""Judged questions in, how well they are answered out."""
