"""`charrnn score`: how well a model predicts a text."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charrnn.cli.asked import Asked, asks_for_text
from charrnn.cli.common import FEEDBACK, echo_json, examples, json_option, note
from charrnn.cli.output import PAGE
from charrnn.cli.screen import console
from charrnn.display import terminal
from charrnn.display.signs import one_line

if TYPE_CHECKING:
    from charrnn.api.score import Scored


@click.command(
    epilog=examples(
        "charrnn score checkpoints/python-lstm python --part test",
        "echo 'import os' | charrnn score checkpoints/python-lstm - --color",
        "charrnn score checkpoints/python-lstm python --part test --baseline --dynamic",
        "charrnn score checkpoints/python-lstm letter.txt --against checkpoints/shakespeare-lstm",
    )
)
@click.option(
    "--against", multiple=True, metavar="MODEL", help="Another model: which of them is the text most like? Repeatable."
)
@click.option("--baseline", is_flag=True, help="Beside it, n-gram models of the same training text, n from 1 to 10.")
@click.option("--dynamic", is_flag=True, help="Beside it, the model as it goes on learning from what it has read.")
@click.option("--color", is_flag=True, help="Show the text, each character coloured by how unexpected it was.")
@click.option("--html", type=PAGE, metavar="FILE", help="Write the coloured text as a page.")
@click.option("--start", type=click.IntRange(0), default=0, metavar="N", help="Where --color and --html begin.")
@click.option("--length", type=click.IntRange(1), default=5000, show_default=True, help="Characters that they show.")
@asks_for_text
@json_option
def score(asked: Asked, color: bool, html: Path | None, start: int, length: int, as_json: bool, **options: Any) -> None:
    """Measure how well MODEL predicts SOURCE: nats and bits per character, and perplexity.

    The state is carried over the whole text; its first character is context and is not counted. A character that the
    model has never seen is passed over by it, and costs 13.92 nats, as if each of Unicode's 1,112,064 were as likely.

    A model of `train --min-count` reads such a character as U+FFFD. This symbol's probability is then shared evenly by
    all that it stands for, itself and the 1,112,064 - V outside a vocabulary of V: to what the model gives for the
    symbol, each adds ln(1,112,065 - V) nats.

    --baseline takes a val or test part of the text that the model was trained on. --dynamic moves the weights after
    every 20 characters (dynamic evaluation, Krause et al. 2018); the model's file stays as it is.
    """
    if color and as_json:
        raise click.UsageError("--color and --json are both given; give one of them.")
    model, coloured = asked.model, bool(color or html)
    extract = model.extract(*asked.sources, part=asked.part, reading=asked.reading, feedback=FEEDBACK)
    start = start if coloured else 0
    scored = model.score(extract, **options, start=start, length=length, feedback=FEEDBACK)
    if as_json:
        echo_json(scored.to_dict())
    else:
        click.echo(str(scored))
    if color:
        click.echo("")
        terminal.show(scored.highlight, console())
    if html:
        _save(scored, html)


def _save(scored: "Scored", path: Path) -> None:
    scored.save(path, "html")
    click.echo(f"wrote {one_line(str(path))}", err=True)
    length, room = len(scored.highlight.cells), scored.room
    if length > room:
        note(f"the page has room for {room:,} of these {length:,} characters; --start {scored.start + room} goes on")
