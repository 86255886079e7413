"""What a text is found by: its words, in whatever language."""
