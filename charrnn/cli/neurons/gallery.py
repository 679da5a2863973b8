"""`charrnn neurons gallery`: what a model's best units follow, as one page, with a picture and the figures of each."""

from pathlib import Path
from typing import Any

import click

from charrnn.cli.asked import Asked, asks_for_unseen_text, characters_option, seed_option, signals_option
from charrnn.cli.common import FEEDBACK, examples, json_option, precision_option, show
from charrnn.cli.output import OutputFolder, echo_written, open_option

PAGE = "index.html"


@click.command(
    epilog=examples(
        "charrnn neurons gallery tolstoy",
        "charrnn neurons gallery tolstoy --signals tanh_c -o memories",
        "charrnn neurons gallery checkpoints/python-lstm python --passage 'def dump(' -o python-gallery",
        "charrnn neurons gallery kernel --passage 'char *audit_unpack_string' -o kernel-gallery",
    )
)
@click.option(
    "-o",
    "--output",
    type=OutputFolder(),
    default="gallery",
    show_default=True,
    metavar="FOLDER",
    help="The folder to write; it is made where it is missing.",
)
@click.option(
    "--passage",
    multiple=True,
    metavar="TEXT",
    help="Show the passage whose first line has these words, for features that change in it; may be repeated. "
    "Default: for each feature one that tells.",
)
@click.option("--length", type=click.IntRange(20, 5000), default=600, show_default=True, help="Of a passage, at most.")
@characters_option(60_000, ", from the part's beginning: half to choose units on, half to measure on")
@signals_option("Such as h,tanh_c,i,f,g,o. Default: h and, for LSTMs, tanh_c.")
@click.option(
    "--ablated",
    type=click.IntRange(100),
    default=4_000,
    show_default=True,
    help="Characters that are scored with each unit held at its mean.",
)
@seed_option("Of all that is drawn.")
@precision_option
@open_option
@asks_for_unseen_text
@json_option
def gallery(asked: Asked, output: Path, as_json: bool, opens: bool, **options: Any) -> None:
    """Draw the study's figure for MODEL: what single units follow, each by its best unit on a passage worth reading.

    Place in the line, quotations, if-conditions, comments and strings, indentation, parentheses, a newline to come and
    the turns of speakers are looked for as `neurons find` does, and what it costs to hold each unit is measured as
    `neurons ablate` does, on less text. What no unit follows is said to be not found.

    FOLDER gets a page (index.html, which needs nothing else), an SVG and a PNG of each passage, and gallery.json with
    all figures. SOURCE is by default the test part of the model's own text (all of it, where that is short), if it is a
    named corpus that is here or the run tells where it is; else a text that the model writes itself.
    """
    where: dict[str, Any] = {"part": asked.part, "reading": asked.reading, "feedback": FEEDBACK}
    made = asked.model.gallery(*asked.sources, **options, **where)
    made.save(output, FEEDBACK)
    show(made, as_json)
    if not as_json:
        echo_written(output / PAGE, opens=opens)
