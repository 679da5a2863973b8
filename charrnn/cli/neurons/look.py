"""`charrnn neurons gates` and `grep`: how saturated gates are, and passages in which units do alike."""

from pathlib import Path
from typing import Any

import click

from charrnn.cli import completion
from charrnn.cli.asked import Asked, asks_for_text, asks_for_unseen_text, characters_option, signal_option
from charrnn.cli.common import FEEDBACK, examples, float32_option, json_option, precision_option, show
from charrnn.cli.drawing import show_plot
from charrnn.cli.output import PICTURE
from charrnn.errors import ConfigError


@click.command(
    epilog=examples(
        "charrnn neurons gates checkpoints/python-lstm python",
        "charrnn neurons gates checkpoints/python-lstm python -o gates.png",
    )
)
@click.option("-o", "--output", type=PICTURE, metavar="PICTURE.png", help="Draw the scatter plots there.")
@characters_option(50_000, ", from the part's beginning", least=1)
@precision_option
@asks_for_unseen_text
@json_option
def gates(asked: Asked, output: Path | None, characters: int, as_json: bool, **options: Any) -> None:
    """Tell how often each unit's gates are nearly shut (below 0.1) and nearly open (above 0.9) over SOURCE.

    Each gate of each layer is a scatter plot, a point for each unit: how often it is shut to the right, open upwards.
    A unit's half-life follows from its forget gate (a GRU's z): after so many characters half of a memory is left.
    """
    found = asked.model.gates(asked.passage(characters), **options, feedback=FEEDBACK)
    show_plot(found, output, as_json)


@click.command(
    epilog=examples(
        "charrnn neurons grep checkpoints/python-lstm python --part test --unit 0:42 --like 1000:1040",
        "charrnn neurons grep checkpoints/python-lstm python --unit 0:42 --unit 0:7 --like 1000:1040 --count 3",
    )
)
@click.option(
    "--unit",
    "units",
    metavar="L:I",
    multiple=True,
    required=True,
    shell_complete=completion.units,
    help="One unit, or its name; may be repeated.",
)
@click.option("--like", metavar="START:END", required=True, help="The passage, in characters of the text.")
@click.option("--count", type=click.IntRange(1), default=10, show_default=True, help="Passages to show.")
@signal_option
@float32_option
@asks_for_text
@json_option
def grep(asked: Asked, units: tuple[str, ...], like: str, as_json: bool, **options: Any) -> None:
    """Find the passages of SOURCE in which some units do what they do from START to END of it.

    Ranked by the distance of the units' values, character by character, in standard deviations. The values of these
    units over all of SOURCE are held in memory, some 30 bytes a character for each.
    """
    start, end = _stretch(like)
    show(asked.model.grep(asked.passage(), units, start, end, **options, feedback=FEEDBACK), as_json)


def _stretch(like: str) -> tuple[int, int]:
    """Where a stretch begins and ends."""
    first, _, last = like.partition(":")
    if not (first.isdecimal() and last.isdecimal() and len(like) <= 30):
        raise ConfigError(f"{like!r} is no passage of the text", "write START:END, such as 1000:1040")
    return int(first), int(last)
