"""The models that come with charrnn and are found by name: in an installed package, and in a clone of the project."""

from pathlib import Path

SHIPPED = ("shakespeare", "tolstoy", "kernel")

_PACKAGE = Path(__file__).parents[1]
_FOLDERS = (_PACKAGE / "checkpoints", _PACKAGE.parent / "checkpoints")  # of a wheel; of a clone


def shipped(name: str) -> Path | None:
    """Return the file of a model that came with charrnn, or None where this is no name of one, or it did not come."""
    paths = (folder / f"{name}.safetensors" for folder in _FOLDERS) if name in SHIPPED else ()
    return next((path for path in paths if path.is_file()), None)
