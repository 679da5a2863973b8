"""`charrnn neurons ablate` and `steer`: what a model does without a unit, and with it held low or high."""

from typing import Any

import click

from charrnn.cli.asked import Asked, asks_for_unseen_text, characters_option, seed_option, unit_option
from charrnn.cli.common import (
    FEEDBACK,
    device_option,
    examples,
    float32_option,
    json_option,
    load_model,
    model_argument,
    network_threads_option,
    show,
)


@click.command(
    epilog=examples(
        "charrnn neurons ablate checkpoints/python-lstm python --unit 0:42",
        "charrnn neurons ablate checkpoints/python-lstm python --unit 0:42 --feature python_comment_or_string",
    )
)
@unit_option
@click.option(
    "--feature",
    metavar="NAME",
    help="Tell the cost inside and outside of it, and at its closing character; NAME=PATTERN: of a regular expression.",
)
@click.option(
    "--how",
    type=click.Choice(["mean", "zero", "resample"]),
    default="mean",
    show_default=True,
    help="Hold it at its mean or at 0, or give it the values that it has elsewhere in the text.",
)
@characters_option(20_000, ", from the part's beginning", least=100)
@seed_option("Of the random units.")
@float32_option
@asks_for_unseen_text
@json_option
def ablate(asked: Asked, characters: int, as_json: bool, **options: Any) -> None:
    """Score SOURCE with one unit ablated, inside the recurrence: it is a cause if that costs something.

    The cost in nats per character, with a 95 % interval (block bootstrap), stands beside the mean and the largest cost
    of 20 random units of the same layer, whose standard deviation times the norm of their outgoing weights is within a
    factor of 1.5 of the unit's; where there are no such units, that is said. n is the number of predictions. A
    prediction counts as inside where the feature is on when it is made, and as closing where the character to predict
    switches it off. The places are tested together: of 21 units that do the same, one is named at most.

    A direction (--unit FILE:FEATURE) is projected out: h · w is held, and what is at right angles to w stays. Beside it
    stand random directions of the layer that weigh as much.
    """
    show(asked.model.ablate(asked.passage(characters), **options, feedback=FEEDBACK), as_json)


@click.command(
    epilog=examples(
        "charrnn neurons steer tolstoy --unit quotes",
        "charrnn neurons steer checkpoints/python-lstm --unit 0:42 --prime 'x = ' --length 300 --seed 1",
        "charrnn neurons steer checkpoints/python-lstm --unit 0:42 --prime 'x = \"' --feature python_string",
    )
)
@model_argument
@unit_option
@click.option(
    "-p",
    "--prime",
    metavar="TEXT",
    help="What the text goes on from. Default: words of the model's own, up to where the unit switches.",
)
@click.option("-n", "--length", type=click.IntRange(1), default=300, show_default=True, help="Characters to draw.")
@click.option(
    "-t", "--temperature", default=0.7, show_default=True, help="0 is greedy, below 1 cautious, above 1 wild."
)
@click.option("--low", type=float, metavar="H", help="Hold it there. Default: its 2nd percentile as the model writes.")
@click.option("--high", type=float, metavar="H", help="Hold it there. Default: its 98th percentile.")
@click.option("--feature", metavar="NAME", help="Count how often it ends in --count texts of each kind.")
@click.option("--count", type=click.IntRange(2), default=20, show_default=True, help="Texts to count --feature in.")
@seed_option("The same for all three.")
@device_option
@network_threads_option
@json_option
def steer(model: str, device: str, as_json: bool, **options: Any) -> None:
    """Write three texts side by side: with the unit held low, free and held high, from the same seed.

    The hidden state is held from the first character of the prime on, after every step. With --feature, the effect is
    measured: at how many of the characters drawn the feature is on, and how many of those drawn while it is on end it,
    with a 95 % interval over texts (bootstrap).

    Of a direction w (--unit FILE:FEATURE), h · w is held, and what is at right angles to w stays.
    """
    show(load_model(model, device).steer(**options), as_json)
