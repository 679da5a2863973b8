"""`charrnn export`: a model as a file for other people's programs."""

from pathlib import Path

import click

from charrnn.cli.common import examples, load_model, model_argument
from charrnn.cli.output import OutputFile
from charrnn.model.storage import FORMATS, NumberFormat


@click.command(
    epilog=examples(
        "charrnn export tolstoy -o tolstoy.json",
        "charrnn export checkpoints/python-lstm -o python.json --number int8",
        "charrnn export shakespeare -o shakespeare.onnx",
    )
)
@model_argument
@click.option(
    "-o",
    "--output",
    type=OutputFile(".json", ".onnx"),
    required=True,
    metavar="OUT",
    help="The file to write, OUT.json or OUT.onnx.",
)
@click.option(
    "--number", type=click.Choice(FORMATS), help="Number format of the matrices. Default: the one they are stored in."
)
def export(model: str, output: Path, number: NumberFormat | None) -> None:
    """Write a model for other programs: as JSON, or one step of its network as ONNX.

    OUT.json holds the characters, the sizes and the weights as base64 (docs/files.md has the format, which a page of
    `charrnn neurons explore` uses itself). OUT.onnx takes a character's id and the state, and returns the logits of the
    next character and the state after it; it needs the package onnx (the extra onnx).
    """
    click.echo(load_model(model).export(output, number))
