"""A checkpoint and a text in, insight out."""
