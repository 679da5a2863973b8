"""Examples in, a model that answers: what a network writes on depends on a text or picture that it is given."""
