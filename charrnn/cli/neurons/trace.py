"""`charrnn neurons trace`: how strongly each earlier character bears on one prediction."""

from pathlib import Path
from typing import Any

import click

from charrnn.cli.asked import Asked, asks_for_text
from charrnn.cli.common import examples
from charrnn.cli.drawing import drawing_options, emit
from charrnn.cli.output import form_for


@click.command(
    epilog=examples(
        "charrnn neurons trace checkpoints/python-lstm python --at 5000",
        "charrnn neurons trace checkpoints/python-lstm python --at 5000 --of ' ' --measure product",
        "charrnn neurons trace checkpoints/python-lstm python --at 5000 -o reach.png",
    )
)
@click.option(
    "--at", "position", type=int, required=True, metavar="POSITION", help="The character predicted, counted from 0."
)
@click.option("--of", metavar="CHARACTER", help="Another character in its place. Default: the one there.")
@click.option(
    "--length",
    type=click.IntRange(1, 20_000),
    default=300,
    show_default=True,
    help="Characters to go back; a picture shows the last 100 rows of them.",
)
@click.option(
    "--measure",
    type=click.Choice(["norm", "product"]),
    default="norm",
    show_default=True,
    help="The gradient's Euclidean norm, or gradient · input, which has a sign.",
)
@drawing_options
@asks_for_text
def trace(asked: Asked, form: str | None, output: Path | None, position: int, **options: Any) -> None:
    """Colour what stands before a character by how strongly it bears on the model's prediction there.

    That is the gradient of the character's log-probability with respect to each earlier character's input: its
    embedding, or its one-hot row. The norm tells how much the prediction could change with a character (saliency:
    Simonyan et al. 2013; of words in recurrent networks: Li et al. 2016); the product with the input, how much
    the log-probability would fall, to first order, without it.
    """
    form = form_for(form, output)
    emit(asked.model.trace(asked.passage(), position, **options), form, output)
