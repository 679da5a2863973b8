"""Train character-level RNNs on any text, write in its style, and see what single neurons learned."""

__version__ = "0.1.0"
