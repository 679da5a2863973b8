"""`charrnn neurons ablate` and `steer`: what a model does without a unit, and with it held low or high."""

import click

from charrnn.cli.common import (
    FEEDBACK,
    device_option,
    examples,
    json_option,
    load_model,
    model_argument,
    network_threads_option,
    reading_options,
    show,
    sources_argument,
    unseen_part_option,
)
from charrnn.text.reading import Reading


@click.command(
    epilog=examples(
        "charrnn neurons ablate checkpoints/python-lstm python --unit 0:42",
        "charrnn neurons ablate checkpoints/python-lstm python --unit 0:42 --feature python_comment_or_string",
    )
)
@model_argument
@sources_argument
@click.option("--unit", metavar="L:I", required=True, help="Layer and index, both from 0.")
@click.option(
    "--feature",
    metavar="NAME",
    help="Tell the cost inside and outside of it, and at its closing character; NAME=PATTERN: of a regular expression.",
)
@click.option(
    "--characters", type=click.IntRange(100), default=20_000, show_default=True,
    help="Score that many, from the part's beginning.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the random units.")
@unseen_part_option
@reading_options
@device_option
@network_threads_option
@json_option
def ablate(
    model: str, sources: tuple[str, ...], unit: str, feature: str | None, characters: int, seed: int,
    part: str | None, reading: Reading, device: str, as_json: bool,
) -> None:  # fmt: skip
    """Score SOURCE with one unit held at its mean, inside the recurrence: it is a cause if that costs something.

    The cost in nats per character, with a 95 % interval (block bootstrap), stands beside that of 20 random units of
    the same layer and like variance. A prediction counts as inside where the feature is on when it is made, and as
    closing where the character to predict switches it off. Of the random units the mean and the largest cost is told.
    """
    loaded = load_model(model, device)
    read = loaded.read(*sources, part=part, characters=characters, reading=reading, feedback=FEEDBACK)
    show(loaded.ablate(read, unit, feature=feature, seed=seed, feedback=FEEDBACK), as_json)


@click.command(
    epilog=examples(
        "charrnn neurons steer checkpoints/python-lstm --unit 0:42",
        "charrnn neurons steer checkpoints/python-lstm --unit 0:42 --prime 'x = ' --length 300 --seed 1",
    )
)
@model_argument
@click.option("--unit", metavar="L:I", required=True, help="Layer and index, both from 0.")
@click.option("--prime", metavar="TEXT", default="", help="What the text goes on from.")
@click.option("--length", type=click.IntRange(1), default=300, show_default=True, help="Characters to draw.")
@click.option("--temperature", default=0.7, show_default=True, help="0 is greedy, below 1 cautious, above 1 wild.")
@click.option("--low", type=float, metavar="H", help="Hold it there. Default: its 2nd percentile as the model writes.")
@click.option("--high", type=float, metavar="H", help="Hold it there. Default: its 98th percentile.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="The same for all three.")
@device_option
@network_threads_option
@json_option
def steer(
    model: str, unit: str, prime: str, length: int, temperature: float, low: float | None, high: float | None,
    seed: int, device: str, as_json: bool,
) -> None:  # fmt: skip
    """Write three texts side by side: with the unit held low, free and held high, from the same seed.

    The hidden state is held from the first character of the prime on, after every step.
    """
    loaded = load_model(model, device)
    held = loaded.steer(unit, prime=prime, length=length, temperature=temperature, low=low, high=high, seed=seed)
    show(held, as_json)
