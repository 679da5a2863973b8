"""`charrnn neurons show`: what one or several units do over a passage, highlighted."""

from pathlib import Path
from typing import Any

import click

from charrnn.cli import completion
from charrnn.cli.asked import Asked, asks_for_text, feature_option, signal_option
from charrnn.cli.common import FEEDBACK, examples, note, precision_unless
from charrnn.cli.drawing import drawing_options, emit
from charrnn.cli.output import form_for
from charrnn.display import highlight


@click.command(
    epilog=examples(
        "charrnn neurons show checkpoints/python-lstm python --unit 0:42",
        "charrnn neurons show checkpoints/python-lstm python --part val --feature python_comment_or_string",
        "charrnn neurons show checkpoints/python-lstm python --unit 0:42 --unit 0:7 -o units.png",
        "charrnn neurons show checkpoints/python-lstm python --unit 0:42 --signal f -o forget.html",
    )
)
@click.option(
    "--unit",
    metavar="L:I",
    multiple=True,
    shell_complete=completion.units,
    help="Layer and index, both from 0, the name of a known unit, or FILE:FEATURE of 'find --directions'; may be "
    "repeated: then each is a row of colours.",
)
@feature_option
@signal_option
@click.option(
    "--start",
    type=click.IntRange(0),
    metavar="N",
    help="Where in the text to begin. Default: 0; with --feature, where it changes.",
)
@click.option("--length", type=click.IntRange(1), default=600, show_default=True, help="Characters to show.")
@click.option(
    "--guesses",
    type=click.IntRange(0, 20),
    default=0,
    show_default=True,
    help="Rows of the most likely next characters under the text.",
)
@precision_unless("float32; to look for the unit of --feature, bfloat16 where the hardware has it")
@drawing_options
@click.option(
    "--pager/--no-pager",
    default=True,
    help="Page by page, with $PAGER or less, what is longer than the terminal. Default: yes.",
)
@asks_for_text
def show(asked: Asked, form: str | None, output: Path | None, pager: bool, length: int, **options: Any) -> None:
    """Highlight the values of one unit or several over a passage of SOURCE, on one fixed scale from −1 to 1.

    Blue is negative, red positive; without colour (NO_COLOR, a pipe), marks from ▁ to █ show the values. With
    --guesses N, the N most likely next characters stand under each. The values of c, and of h in a ReLU network, have
    no bound: they are coloured by their tanh. A page shows at most 20,000 characters, a picture at most 32,000 dots of
    height.
    """
    if bool(options["unit"]) == bool(options["feature"]):
        both = "Both" if options["unit"] else "Neither"
        raise click.UsageError(f"{both} --unit and --feature are given; give one of them.")
    form, passage = form_for(form, output), asked.passage()
    most = length if form in ("terminal", "json") else min(length, highlight.LONGEST)
    shown = asked.model.show(passage, length=most, **options, feedback=FEEDBACK)
    emit(shown, form, output, pager)
    room, wanted = shown.room(form), min(length, len(passage) - shown.start)
    if room < wanted:
        note(
            f"a file in {form} has room for the first {room:,} of these {wanted:,} characters; "
            f"--start {shown.start + room} shows those that follow, one in .json or .txt all"
        )
