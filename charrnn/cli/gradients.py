"""`charrnn gradients`: how a loss's gradient vanishes or explodes on its way back through time."""

from pathlib import Path
from typing import Any

import click

from charrnn import api
from charrnn.api.limits import HELD_OUT
from charrnn.cli.asked import Asked
from charrnn.cli.common import (
    FEEDBACK,
    command_threads,
    device_option,
    examples,
    json_option,
    network_threads_option,
    reading_options,
    unseen_part_option,
)
from charrnn.cli.drawing import show_plot
from charrnn.cli.output import PICTURE, spare_inputs
from charrnn.text.reading import Reading
from charrnn.text.spec import TextSpec

OF_CELLS = ("steps", "hidden_size", "clip_norm", "seed")


@click.command(
    epilog=examples(
        "charrnn gradients checkpoints/python-lstm python",
        "charrnn gradients checkpoints/python-lstm python --distance 200 -o gradients.png",
        "charrnn gradients --cells -o cells.png",
        "charrnn gradients --cells python --steps 50 --json",
    )
)
@click.argument("arguments", nargs=-1, metavar="[MODEL] SOURCE...", callback=spare_inputs)
@click.option(
    "--cells", is_flag=True, help="Instead of MODEL: a fresh network of each cell, before and after training."
)
@click.option("--distance", type=click.IntRange(2, 5000), default=100, show_default=True, help="The largest k.")
@click.option(
    "--losses",
    type=click.IntRange(1, 10_000),
    default=64,
    show_default=True,
    help="Of how many characters, spread evenly over the text, the loss is taken.",
)
@click.option("--steps", type=click.IntRange(1), default=120, show_default=True, help="With --cells: of each training.")
@click.option("--hidden-size", type=click.IntRange(1), default=128, show_default=True, help="With --cells: units.")
@click.option(
    "--clip-norm",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    show_default=True,
    help="With --cells: the gradient's largest norm where it is clipped.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="With --cells: of the first weights.")
@click.option(
    "-o",
    "--output",
    type=PICTURE,
    metavar="PICTURE.png",
    help="Draw it there, as PNG or, by the name, as SVG.",
)
@unseen_part_option
@reading_options
@device_option
@network_threads_option
@json_option
def gradients(
    arguments: tuple[str, ...],
    cells: bool,
    output: Path | None,
    part: str | None,
    reading: Reading,
    device: str,
    as_json: bool,
    **options: Any,
) -> None:
    """Show how a loss's gradient vanishes, explodes or lasts: the norm of ∂loss_t/∂(state after character t−k), over k.

    The loss is −ln p of the character after character t. The state is all that a layer hands on from one character to
    the next: h and, in an LSTM, c too, both together, for it is c that carries its memory; h and c alone stand below.
    Each curve is the median over many t, and the band of a picture holds 80 % of them.

    With --cells (SOURCE by default is python), networks of all cells are measured on the end of the text as they
    start, and after a short training on its beginning, with the gradient clipped and not. Two of them start
    otherwise than `charrnn train` does: a ReLU network with recurrent weights 1.6 times as large, and an LSTM whose
    forget gates are open (bias 5 instead of 1).
    """
    found: api.cell_gradients.CellGradients | api.gradients.Gradients
    if cells:
        if part is not None:
            raise click.UsageError("--part is of a MODEL's text; with --cells it is the end of SOURCE.")
        source = arguments or ("python",)
        corpus = TextSpec.of(source, reading, HELD_OUT, 0).read(FEEDBACK)
        hidden: dict[str, Any] = {"device": device, "threads": command_threads, "feedback": FEEDBACK}
        found = api.cell_gradients.compare_cells(corpus, source=source, **options, **hidden)
    else:
        _refuse_options_of_cells()
        if len(arguments) < 2:
            raise click.UsageError("Give MODEL and SOURCE, or --cells.")
        asked = Asked(arguments[0], device, arguments[1:], part, reading)
        of_model = {name: value for name, value in options.items() if name not in OF_CELLS}
        found = asked.model.gradients(asked.passage(), **of_model, feedback=FEEDBACK)
    show_plot(found, output, as_json)


def _refuse_options_of_cells() -> None:
    """An option that would be ignored is an error."""
    context = click.get_current_context()
    for name in OF_CELLS:
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name.replace('_', '-')} is for --cells.")
