"""Models that are found by name: those that come with charrnn, installed or in a clone of the project, and runs."""

import os
from pathlib import Path

RUNS = Path("checkpoints")  # where `charrnn train` puts its runs
SHIPPED = ("shakespeare", "tolstoy", "kernel")

_PACKAGE = Path(__file__).parents[1]
_FOLDERS = (_PACKAGE / "checkpoints", _PACKAGE.parent / "checkpoints")  # of a wheel; of a clone


def shipped(name: str) -> Path | None:
    """Return the file of a model that came with charrnn, or None where this is no name of one, or it did not come."""
    paths = (folder / f"{name}.safetensors" for folder in _FOLDERS) if name in SHIPPED else ()
    return next((path for path in paths if path.is_file()), None)


def as_model(path: Path) -> Path | str:
    """Return what names a path as a MODEL, also where it is called as a model that came with charrnn is.

    >>> as_model(Path("checkpoints/python-lstm")).name, as_model(Path("kernel"))
    ('python-lstm', './kernel')
    """
    return f"./{path}" if str(path) in SHIPPED else path


def run_folder(path: Path) -> Path:
    """Return a path, or where nothing is there and it is a mere name, the folder of that name among the runs."""
    run = RUNS / path
    return run if str(path) == path.name and not os.path.lexists(path) and os.path.isdir(run) else path
