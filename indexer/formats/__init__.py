"""The bytes of a file in, its text with headings and places out; one module for each family of formats."""
