"""What else a run folder keeps: the models of its stages, and damaged files that were put aside."""

import os
from pathlib import Path

from charrnn.errors import CheckpointError
from charrnn.files import make_folder
from charrnn.model.checkpoint import UNFINISHED_STAGES, Checkpoint, save, stages


def keep_stage(checkpoint: Checkpoint, path: Path) -> None:
    """Save the model of a stage in half precision; in float32 where a weight is beyond that."""
    make_folder(path.parent)
    try:
        save(checkpoint, path, "float16")
    except CheckpointError:
        save(checkpoint, path)


def drop_stages(folder: Path, after: int) -> None:
    """Remove the models kept of later steps, and what a kill has left of one."""
    for step, path in stages(folder).items():
        if step > after:
            path.unlink()
    for kind in UNFINISHED_STAGES:
        for left in folder.glob(kind):
            left.unlink()


def put_aside(path: Path) -> str:
    """Rename a damaged file, in which something may still be found; return what was wrong with it."""
    if not path.exists():
        return f"{path.name} was gone"
    places = (path.with_suffix(f".damaged{number}") for number in ("", *range(2, 1000)))
    aside = next(place for place in places if place.is_file() or not os.path.lexists(place))  # else a folder is there
    os.replace(path, aside)
    return f"{path.name} was damaged and is {aside.name} now"
