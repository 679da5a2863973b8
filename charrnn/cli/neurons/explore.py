"""`charrnn neurons explore`: one offline page in which every unit can be looked at, and the network runs."""

from pathlib import Path
from typing import Any

import click

from charrnn import api
from charrnn.cli.asked import Asked, asks_for_unseen_text, characters_option
from charrnn.cli.common import FEEDBACK, examples, precision_unless
from charrnn.cli.output import PAGE, echo_written, open_option


@click.command(
    epilog=examples(
        "charrnn neurons explore kernel - < file.c",
        "charrnn neurons explore checkpoints/python-lstm python -o python.html",
        "charrnn neurons explore checkpoints/python-lstm python --unit 0:42 --start 20000",
    )
)
@click.option(
    "-o",
    "--output",
    type=PAGE,
    default="explore.html",
    show_default=True,
    metavar="PAGE.html",
    help="The page to write.",
)
@click.option("--unit", metavar="L:I", help="The unit that the page opens at, or a known unit's name.")
@click.option(
    "--start",
    type=click.IntRange(0),
    metavar="N",
    help="Where the passage begins. Default: a line of the text on which the scores were measured.",
)
@click.option("--length", type=click.IntRange(1, 20_000), default=4000, show_default=True, help="Characters of it.")
@characters_option(60_000, " to rank the features, as `neurons find` does")
@precision_unless("float32; to rank the features, bfloat16 where the hardware has it")
@click.option("--no-model", is_flag=True, help="Leave the network out: the page only shows what was recorded.")
@open_option
@asks_for_unseen_text
def explore(asked: Asked, output: Path, length: int, opens: bool, **options: Any) -> None:
    """Write a page to play with: choose a unit by the arrow keys, see a passage of SOURCE coloured by it.

    The page is one file, needs nothing else, and asks nothing of anywhere. It ranks the features that fit the text,
    each with its best unit, as `neurons find` measures them. It shows a character's value, gates, surprisal and the
    five most likely next ones; a unit's histogram and strongest passages; and which units fire on a passage that is
    marked, tell two passages apart, or switch at a character. Its address keeps the unit: PAGE.html#0:42.

    The page carries the network and runs it: what you type is read character by character, it writes on from there,
    and units can be held at a value while it does.
    """
    api.explore.check_room(asked.model.config, length)  # before a long text is read
    explored = asked.model.explore(asked.passage(), length=length, **options, feedback=FEEDBACK)
    explored.save(output)
    echo_written(output, f" ({len(explored.content) / 1e6:.1f} MB)", opens)
