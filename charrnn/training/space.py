"""Whether the disk has room for a run."""

import os
import shutil
from pathlib import Path

from charrnn.errors import RunError
from charrnn.model.config import ModelConfig


def check_space(folder: Path, config: ModelConfig, kept: int = 0) -> None:
    """Look whether a new run of such a network will find room: best, last and state, and a second state meanwhile.

    `kept` says how many models of its stages it will keep besides.

    Raises:
        RunError: there is less.
    """
    while not os.path.exists(folder):  # unlike Path.exists, false for a name that no folder can have
        folder = folder.parent
    state = 3 * 4 * config.parameters  # weights and both of AdamW's moments, in float32
    needed, free = (2 * 4 + 2 * kept) * config.parameters + 2 * state, shutil.disk_usage(folder).free
    if free < needed:
        raise RunError(
            f"a run of this size needs {needed / 1e6:,.0f} MB, and {folder} has {free / 1e6:,.0f} MB free",
            "make room, or name another folder with --out",
        )
