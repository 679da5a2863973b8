"""Characters in, ids out."""
