"""A command line in, results on standard output and an exit status out."""
