"""Folders in, the files to read and the reasons for what is left out out."""
