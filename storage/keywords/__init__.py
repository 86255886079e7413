"""Terms in, passages and their BM25 scores out: an inverted index derived from the database."""
