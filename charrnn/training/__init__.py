"""A corpus in, a checkpoint out."""
