"""A checkpoint in, text out."""
