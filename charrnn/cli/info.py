"""`charrnn info`: what a checkpoint is and what it was trained on."""

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from charrnn.cli.common import echo_json, json_option, load_checkpoint, model_argument

if TYPE_CHECKING:
    from charrnn.model.checkpoint import Checkpoint


@click.command(epilog="Example:  charrnn info checkpoints/python-lstm-1x512")
@model_argument
@json_option
def info(model: str, as_json: bool) -> None:
    """Show what a model is: its network, its text, its figures."""
    described = _describe(load_checkpoint(model))
    if as_json:
        echo_json(described)
        return
    from charrnn.display.signs import one_line

    for name, value in described.items():
        shown = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
        click.echo(f"{name:<18} {one_line(str(shown))}")


def _describe(checkpoint: "Checkpoint") -> dict[str, Any]:
    from charrnn.model.checkpoint import FORMAT_VERSION

    header = checkpoint.header
    figures = asdict(header.figures)
    return {
        "format_version": FORMAT_VERSION,
        **asdict(header.model),
        "parameters": sum(math.prod(shape) for shape in header.model.shapes().values()),
        **figures,
        "corpus": asdict(header.corpus),
        "training": header.training,
        "vocabulary": checkpoint.vocabulary.characters,
        "created": header.created,
        "charrnn_version": header.charrnn_version,
    }
