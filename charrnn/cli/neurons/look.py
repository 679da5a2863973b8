"""`charrnn neurons gates` and `grep`: how saturated gates are, and passages in which units do alike."""

from pathlib import Path

import click

from charrnn.cli.common import (
    FEEDBACK,
    device_option,
    examples,
    json_option,
    load_model,
    model_argument,
    network_threads_option,
    part_option,
    reading_options,
    show,
    sources_argument,
    unseen_part_option,
)
from charrnn.cli.output import PICTURE, echo_written
from charrnn.errors import ConfigError
from charrnn.text.reading import Reading


@click.command(
    epilog=examples(
        "charrnn neurons gates checkpoints/python-lstm python",
        "charrnn neurons gates checkpoints/python-lstm python -o gates.png",
    )
)
@model_argument
@sources_argument
@click.option("-o", "--output", type=PICTURE, metavar="PICTURE.png", help="Draw the scatter plots there.")
@click.option(
    "--characters", type=click.IntRange(1), default=50_000, show_default=True,
    help="Read that many, from the part's beginning.",
)  # fmt: skip
@unseen_part_option
@reading_options
@device_option
@network_threads_option
@json_option
def gates(
    model: str, sources: tuple[str, ...], output: Path | None, characters: int, part: str | None, reading: Reading,
    device: str, as_json: bool,
) -> None:  # fmt: skip
    """Tell how often each unit's gates are nearly shut (below 0.1) and nearly open (above 0.9) over SOURCE.

    Each gate of each layer is a scatter plot, a point for each unit: how often it is shut to the right, open upwards.
    A unit's half-life follows from its forget gate (a GRU's z): after so many characters half of a memory is left.
    """
    loaded = load_model(model, device)
    read = loaded.read(*sources, part=part, characters=characters, reading=reading, feedback=FEEDBACK)
    found = loaded.gates(read, feedback=FEEDBACK)
    if output:
        found.save(output)
    show(found, as_json)
    if output and not as_json:
        echo_written(output)


@click.command(
    epilog=examples(
        "charrnn neurons grep checkpoints/python-lstm python --part test --unit 0:42 --like 1000:1040",
        "charrnn neurons grep checkpoints/python-lstm python --unit 0:42 --unit 0:7 --like 1000:1040 --count 3",
    )
)
@model_argument
@sources_argument
@click.option("--unit", "units", metavar="L:I", multiple=True, required=True, help="One unit; may be repeated.")
@click.option("--like", metavar="START:END", required=True, help="The passage, in characters of the text.")
@click.option("--count", type=click.IntRange(1), default=10, show_default=True, help="Passages to show.")
@click.option("--signal", metavar="NAME", help="Such as h, c, tanh_c or a gate. Default: tanh_c for LSTMs, else h.")
@part_option
@reading_options
@device_option
@network_threads_option
@json_option
def grep(
    model: str, sources: tuple[str, ...], units: tuple[str, ...], like: str, count: int, signal: str | None,
    part: str, reading: Reading, device: str, as_json: bool,
) -> None:  # fmt: skip
    """Find the passages of SOURCE in which some units do what they do from START to END of it.

    Ranked by the distance of the units' values, character by character, in standard deviations. The values of these
    units over all of SOURCE are held in memory, some 30 bytes a character for each.
    """
    loaded = load_model(model, device)
    read = loaded.read(*sources, part=part, reading=reading, feedback=FEEDBACK)
    show(loaded.grep(read, units, *_passage(like), count=count, signal=signal, feedback=FEEDBACK), as_json)


def _passage(like: str) -> tuple[int, int]:
    """Where a stretch begins and ends."""
    first, _, last = like.partition(":")
    if not (first.isdecimal() and last.isdecimal() and len(like) <= 30):
        raise ConfigError(f"{like!r} is no passage of the text", "write START:END, such as 1000:1040")
    return int(first), int(last)
