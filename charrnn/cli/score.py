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
from charrnn.text.vocabulary import UNKNOWN

if TYPE_CHECKING:
    from charrnn.model.checkpoint import Checkpoint
    from charrnn.text.encoding import Ids

CHARACTERS = 0x110000 - 0x800  # that Unicode has room for
UNKNOWN_NATS = math.log(CHARACTERS)  # each of them equally likely


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

    A model of `train --min-count` reads such a character as U+FFFD. This symbol's probability is then shared evenly by
    all that it stands for, itself and the 1,112,064 - V outside a vocabulary of V: to what the model gives for the
    symbol, each adds ln(1,112,065 - V) nats.
    """
    from charrnn.errors import SourceError
    from charrnn.model.checkpoint import bits

    checkpoint = load_checkpoint(model)
    text = read_text(sources, reading, checkpoint, part)
    if len(text) < 2:
        raise SourceError("the text has one character only", "give a text of at least two characters")
    unknown = len(text) - len(checkpoint.vocabulary.known(text))
    nats = _total_nats(checkpoint, text, device) / (len(text) - 1)
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


def _total_nats(checkpoint: "Checkpoint", text: str, device: str) -> float:
    """The cost of every character but the first, unknown ones included."""
    vocabulary = checkpoint.vocabulary
    if vocabulary.folds:
        ids = vocabulary.encode(text)
        folded = int((ids[1:] == vocabulary.encode(UNKNOWN)).sum())
        return _nats_of(checkpoint, ids, device) + folded * math.log(CHARACTERS - len(vocabulary) + 1)
    known = vocabulary.known(text)
    unknown = len(text) - len(known)
    return _nats_of(checkpoint, vocabulary.encode(known), device) + unknown * UNKNOWN_NATS


def _nats_of(checkpoint: "Checkpoint", ids: "Ids", device: str) -> float:
    if len(ids) < 2:
        return 0.0
    from charrnn.model.scoring import nats_per_character

    network = build_network(checkpoint, device)
    with progress_bar(len(ids) - 1, "scoring") as bar:
        return nats_per_character(network, ids, on_read=bar.update) * (len(ids) - 1)
