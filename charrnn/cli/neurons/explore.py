"""`charrnn neurons explore`: one offline page in which every unit's values over a passage can be looked at."""

from pathlib import Path

import click

from charrnn import api
from charrnn.api.limits import SHORTEST_SEARCH
from charrnn.cli.common import (
    FEEDBACK,
    device_option,
    examples,
    load_model,
    model_argument,
    network_threads_option,
    reading_options,
    sources_argument,
    unseen_part_option,
)
from charrnn.cli.output import PAGE, echo_written
from charrnn.text.reading import Reading


@click.command(
    epilog=examples(
        "charrnn neurons explore kernel - < file.c",
        "charrnn neurons explore checkpoints/python-lstm python -o python.html",
        "charrnn neurons explore checkpoints/python-lstm python --unit 0:42 --start 20000",
    )
)
@model_argument
@sources_argument
@click.option(
    "-o", "--output", type=PAGE, default="explore.html", show_default=True, metavar="PAGE.html",
    help="The page to write.",
)  # fmt: skip
@click.option("--unit", metavar="L:I", help="The unit that the page opens at. Default: the best single one.")
@click.option(
    "--start", type=click.IntRange(0), metavar="N",
    help="Where the passage begins. Default: a line of the text on which the scores were measured.",
)  # fmt: skip
@click.option("--length", type=click.IntRange(1, 20_000), default=4000, show_default=True, help="Characters of it.")
@click.option(
    "--characters", type=click.IntRange(SHORTEST_SEARCH), default=60_000, show_default=True,
    help="Read that many to rank the features, as `neurons find` does.",
)  # fmt: skip
@unseen_part_option
@reading_options
@device_option
@network_threads_option
def explore(
    model: str, sources: tuple[str, ...], output: Path, unit: str | None, start: int | None, length: int,
    characters: int, part: str | None, reading: Reading, device: str,
) -> None:  # fmt: skip
    """Write a page to play with: choose a unit by the arrow keys, see a passage of SOURCE coloured by it.

    The page is one file, needs nothing else, and asks nothing of anywhere. It ranks the features that fit the text,
    each with its best unit, as `neurons find` measures them. It shows a character's value, gates, surprisal and the
    five next ones that the model held likeliest; a unit's histogram and strongest passages; and which units fire on a
    passage that is marked. Its address keeps the unit: PAGE.html#0:42.
    """
    loaded = load_model(model, device)
    api.explore.check_room(loaded.config, length)  # before a long text is read
    read = loaded.read(*sources, part=part, reading=reading, feedback=FEEDBACK)
    explored = loaded.explore(read, start=start, length=length, characters=characters, unit=unit, feedback=FEEDBACK)
    explored.save(output)
    echo_written(output, f" ({len(explored.page.encode()) / 1e6:.1f} MB)")
