"""What a model's file says of itself, of whichever kind the model is."""

from pathlib import Path

from charrnn.conditioned import checkpoint as conditioned
from charrnn.model import sealed
from charrnn.model.checkpoint import load
from charrnn.training.history import Described


def header_of(path: Path) -> Described:
    """Return the header of a character model or of a conditioned one; errors as of `charrnn.load`."""
    return conditioned.load(path).header if is_conditioned(path) else load(path).header


def is_conditioned(path: Path) -> bool:
    """Whether a file says that it is a conditioned model."""
    return sealed.kind_of(path) == conditioned.FORMAT
