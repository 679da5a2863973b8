"""`charrnn score`: how well a model predicts a text."""

import math
from typing import TYPE_CHECKING

import click

from charrnn.cli.common import (
    build_network,
    device_option,
    echo_json,
    examples,
    json_option,
    load_checkpoint,
    model_argument,
    part_option,
    progress_bar,
    read_text,
    reading_options,
    sources_argument,
)
from charrnn.text.reading import Reading

if TYPE_CHECKING:
    from charrnn.model.checkpoint import Checkpoint

UNKNOWN_NATS = math.log(0x110000 - 0x800)  # every Unicode character equally likely


@click.command(
    epilog=examples(
        "charrnn score checkpoints/python-lstm-1x384 python --part test",
        "echo 'import os' | charrnn score checkpoints/python-lstm-1x384 -",
    )
)
@model_argument
@sources_argument
@part_option
@reading_options
@device_option
@json_option
def score(model: str, sources: tuple[str, ...], part: str, reading: Reading, device: str, as_json: bool) -> None:
    """Measure how well MODEL predicts SOURCE: nats and bits per character, and perplexity.

    The state is carried over the whole text; its first character is context and is not counted. A character that the
    model has never seen is passed over by it, and costs 13.92 nats, as if each of Unicode's 1,112,064 were as likely.
    """
    from charrnn.errors import SourceError
    from charrnn.model.checkpoint import bits

    checkpoint = load_checkpoint(model)
    text = read_text(sources, reading, checkpoint, part)
    if len(text) < 2:
        raise SourceError("the text has one character only", "give a text of at least two characters")
    known = checkpoint.vocabulary.known(text)
    unknown = len(text) - len(known)
    nats = (_total_nats(checkpoint, known, device) + unknown * UNKNOWN_NATS) / (len(text) - 1)
    result = {
        "characters": len(text) - 1,
        "nats_per_character": nats,
        "bits_per_character": bits(nats),
        "perplexity": math.exp(min(nats, 700)),  # beyond it no number is large enough
        "unknown": unknown,
    }
    if as_json:
        echo_json(result)
        return
    click.echo(
        f"{nats:.4f} nats per character ({bits(nats):.4f} bits, perplexity {result['perplexity']:.3f}) "
        f"over {len(text) - 1:,} characters" + (f", {unknown:,} of them unknown" if unknown else "")
    )


def _total_nats(checkpoint: "Checkpoint", known: str, device: str) -> float:
    if len(known) < 2:
        return 0.0
    from charrnn.model.scoring import nats_per_character

    network = build_network(checkpoint, device)
    with progress_bar(len(known) - 1, "scoring") as bar:
        mean = nats_per_character(network, checkpoint.vocabulary.encode(known), on_read=bar.update)
    return mean * (len(known) - 1)
