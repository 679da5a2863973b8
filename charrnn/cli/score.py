"""`charrnn score`: how well a model predicts a text."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from charrnn.cli.asked import Asked, asks_for_given_text
from charrnn.cli.common import (
    FEEDBACK,
    echo_json,
    examples,
    is_given,
    json_option,
    note,
    refuse_options,
    show,
)
from charrnn.cli.output import PAGE
from charrnn.cli.screen import console
from charrnn.display import terminal
from charrnn.display.signs import one_line
from charrnn.text.reading import READING_OPTIONS

if TYPE_CHECKING:
    from charrnn.api.score import Scored

# Options, as click names them, of a running text that items have no use for, and of items.
OF_TEXTS = ("baseline", "dynamic")
TOGETHER = ("against", "color", "html")  # what is told of all items together, not of each
OF_ITEMS = ("each", "label", "by", "sort")


@click.command(
    epilog=examples(
        "charrnn score checkpoints/python-lstm python --part test",
        "echo 'import os' | charrnn score checkpoints/python-lstm - --color",
        "charrnn score checkpoints/python-lstm python --part test --baseline --dynamic",
        "charrnn score checkpoints/python-lstm letter.txt --against checkpoints/shakespeare-lstm",
        "charrnn score checkpoints/names-lstm names.txt --sort surprise",
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
@click.option("--each", metavar="WAY", help="Of items: line, file, paragraph or a column. Default: as in training.")
@click.option("--label", metavar="NAME", help="Of items with classes: the class. Default: each item's own.")
@click.option("--by", type=click.Choice(["label"]), help="Of items with classes: which class is each item most like?")
@click.option("--sort", type=click.Choice(["text", "surprise"]), help="Of items: as read, or what fits least first.")
@click.option("--nats", "with_nats", is_flag=True, help="With --json: also −ln p of every character.")
@asks_for_given_text
@json_option
def score(
    asked: Asked,
    color: bool,
    html: Path | None,
    start: int,
    length: int,
    by: str | None,
    with_nats: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Measure how well MODEL predicts SOURCE: nats and bits per character, and perplexity.

    The state is carried over the whole text; its first character is context and is not counted. A character that the
    model has never seen is passed over by it, and costs 13.92 nats, as if each of Unicode's 1,112,064 were as likely.

    A model of `train --min-count` reads such a character as U+FFFD. This symbol's probability is then shared evenly by
    all that it stands for, itself and the 1,112,064 - V outside a vocabulary of V: to what the model gives for the
    symbol, each adds ln(1,112,065 - V) nats.

    --baseline takes a val or test part of the text that the model was trained on. --dynamic moves the weights after
    every 20 characters (dynamic evaluation, Krause et al. 2018); the model's file stays as it is.

    A model of items (train --each) scores each item from its first character to its end, which counts as a character;
    with --against, --color or --html it tells of all items together.
    """
    if color and as_json:
        raise click.UsageError("--color and --json are both given; give one of them.")
    if with_nats and not as_json:
        raise click.UsageError("--nats says what --json shows; give --json too.")
    model, coloured = asked.model, bool(color or html)
    refuse_options(model.checkpoint, OF_TEXTS, OF_ITEMS)
    if model.checkpoint.header.corpus.items and not _together():
        of_items = {name: options[name] for name in ("each", "label")}
        reading = asked.reading if is_given(*READING_OPTIONS) else None
        sort: Literal["text", "surprise"] = "surprise" if options["sort"] == "surprise" else "text"
        more: dict[str, Any] = {"by_label": by is not None, "with_nats": with_nats, "feedback": FEEDBACK}
        found = model.score_items(
            *asked.sources, part=asked.part or "all", reading=reading, sort=sort, **of_items, **more
        )
        show(found, as_json)
        return
    extract = model.extract(*asked.sources, part=asked.part, reading=asked.reading, feedback=FEEDBACK)
    start = start if coloured else 0
    of_text = {name: options[name] for name in ("against", "baseline", "dynamic")}
    scored = model.score(extract, **of_text, start=start, length=length, feedback=FEEDBACK)
    if as_json:
        echo_json(scored.to_dict() | ({"nats": scored.nats.tolist()} if with_nats else {}))
    else:
        click.echo(str(scored))
    if color:
        click.echo("")
        terminal.show(scored.highlight, console())
    if html:
        _save(scored, html)


def _together() -> bool:
    """Whether all items are to be told of together, without what is told of each."""
    if not is_given(*TOGETHER):
        return False
    for param in click.get_current_context().command.params:
        if param.name in OF_ITEMS and is_given(param.name):
            raise click.UsageError(f"{param.opts[-1]} is for what is told of each item; leave it out here.")
    return True


def _save(scored: "Scored", path: Path) -> None:
    scored.save(path, "html")
    click.echo(f"wrote {one_line(str(path))}", err=True)
    length, room = len(scored.highlight.cells), scored.room
    if length > room:
        note(f"the page has room for {room:,} of these {length:,} characters; --start {scored.start + room} goes on")
