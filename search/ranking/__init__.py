"""Candidates of a question in, hits in their order out: pure functions, without a database."""
