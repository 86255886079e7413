"""Text with markup in, its headings and blocks out."""
