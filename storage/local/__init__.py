"""The store on this machine: a database and its indexes in a folder, one writer at a time."""
