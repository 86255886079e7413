"""A file's bytes in, a document out."""
