"""`charrnn neurons trace`: how strongly each earlier character bears on one prediction."""

from pathlib import Path
from typing import Literal

import click

from charrnn.cli.common import (
    FEEDBACK,
    device_option,
    emit,
    examples,
    load_model,
    model_argument,
    network_threads_option,
    part_option,
    reading_options,
    sources_argument,
)
from charrnn.cli.output import OutputFile, form_for
from charrnn.text.reading import Reading


@click.command(
    epilog=examples(
        "charrnn neurons trace checkpoints/python-lstm python --at 5000",
        "charrnn neurons trace checkpoints/python-lstm python --at 5000 --of ' ' --measure product",
        "charrnn neurons trace checkpoints/python-lstm python --at 5000 -o reach.png",
    )
)
@model_argument
@sources_argument
@click.option(
    "--at", "position", type=int, required=True, metavar="POSITION", help="The character predicted, counted from 0."
)
@click.option("--of", "character", metavar="CHARACTER", help="Another character in its place. Default: the one there.")
@click.option(
    "--length", type=click.IntRange(1, 20_000), default=300, show_default=True,
    help="Characters to go back; a picture shows the last 100 rows of them.",
)  # fmt: skip
@click.option(
    "--measure", type=click.Choice(["norm", "product"]), default="norm", show_default=True,
    help="The gradient's Euclidean norm, or gradient · input, which has a sign.",
)  # fmt: skip
@click.option(
    "--format", "form", type=click.Choice(["terminal", "html", "svg", "json", "png"]),
    help="Default: by the output's name, else terminal.",
)  # fmt: skip
@click.option(
    "-o", "--output", type=OutputFile(), metavar="FILE",
    help="The file to write. Default: stdout.",
)  # fmt: skip
@part_option
@reading_options
@device_option
@network_threads_option
def trace(
    model: str, sources: tuple[str, ...], position: int, character: str | None, length: int,
    measure: Literal["norm", "product"], form: str | None, output: Path | None, part: str, reading: Reading,
    device: str,
) -> None:  # fmt: skip
    """Colour what stands before a character by how strongly it bears on the model's prediction there.

    That is the gradient of the character's log-probability with respect to each earlier character's input: its
    embedding, or its one-hot row. The norm tells how much the prediction could change with a character (saliency:
    Simonyan et al. 2013; of words in recurrent networks: Li et al. 2016); the product with the input, how much
    the log-probability would fall, to first order, without it.
    """
    form = form_for(form, output)
    loaded = load_model(model, device)
    read = loaded.read(*sources, part=part, reading=reading, feedback=FEEDBACK)
    emit(loaded.trace(read, position, of=character, length=length, measure=measure), form, output)
