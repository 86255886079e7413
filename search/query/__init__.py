"""What was typed in, a question, a filter or a place in a document out."""
