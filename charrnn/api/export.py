"""A model as a file for other people's programs: JSON with all that it takes to run it, or one step as ONNX."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from charrnn.api.result import Result
from charrnn.display.signs import one_line
from charrnn.errors import ConfigError, counted
from charrnn.files import replacing
from charrnn.model import exchange, onnx_step
from charrnn.model.checkpoint import Checkpoint
from charrnn.model.storage import NumberFormat

SUFFIXES = (".json", ".onnx")


@dataclass(frozen=True)
class Exported(Result):
    """A file that was written."""

    path: str
    number: NumberFormat  # that the matrices in it are stored in
    parameters: int
    bytes: int

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)

    def __str__(self) -> str:
        held = f"{counted(self.parameters, 'parameter')} in {self.number}"
        return f"{one_line(self.path)}: {held} ({self.bytes / 1e6:.1f} MB)"


def export(checkpoint: Checkpoint, path: str | os.PathLike[str], number: NumberFormat | None = None) -> Exported:
    """Write a model for other programs.

    Args:
        checkpoint: the model.
        path: the file; its name ends in .json or .onnx.
        number: what its matrices are stored in; None: what they are stored in now.

    Raises:
        ConfigError: the name ends in something else, or for ONNX the package onnx is missing.
        CheckpointError: a weight is beyond what float16 can hold.
        OSError: the file cannot be written.
    """
    output, number = Path(path), number or checkpoint.number
    if output.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"{output} ends in neither .json nor .onnx", "name the file after its format")
    if output.suffix.lower() == ".onnx":
        content = onnx_step.content(checkpoint, number)
    else:
        content = json.dumps(exchange.document(checkpoint, number), allow_nan=False).encode()
    with replacing(output) as temporary:
        temporary.write_bytes(content)
    return Exported(str(output), number, checkpoint.config.parameters, len(content))
