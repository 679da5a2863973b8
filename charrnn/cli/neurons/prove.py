"""`charrnn neurons ablate` and `steer`: what a model does without a unit, and with it held low or high."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from charrnn.cli.common import (
    CONTEXT,
    beginning,
    build_network,
    device_option,
    echo_json,
    encode,
    examples,
    json_option,
    load_checkpoint,
    model_argument,
    note,
    progress_bar,
    read_unseen,
    reading_options,
    sources_argument,
    unseen_part_option,
)
from charrnn.errors import counted
from charrnn.text.reading import Reading

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from charrnn.model.checkpoint import Checkpoint
    from charrnn.model.clamping import Clamp
    from charrnn.model.network import CharRNN
    from charrnn.model.units import Unit
    from charrnn.neurons.ablation import Ablation
    from charrnn.sampling.distribution import SamplingConfig

WARMING = 3000  # characters that a model writes by itself before its units' low and high values are known


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
    import numpy as np

    from charrnn.model.units import Unit
    from charrnn.neurons.ablation import ablate as hold

    checkpoint = load_checkpoint(model)
    wanted = Unit.parse(unit, checkpoint.config)
    text, part, before = read_unseen(sources, reading, checkpoint, part)
    ids = encode(checkpoint, beginning(checkpoint, text, characters))[:characters]
    labels = _labels(before[-CONTEXT:], checkpoint.vocabulary.decode(ids), feature) if feature else None
    network = build_network(checkpoint, device)
    with progress_bar(len(ids) - 1, "scoring with 21 units held") as bar:
        result = hold(network, ids, wanted, labels, np.random.default_rng(seed), bar.update)
    if feature and "inside" not in result.effects:
        note(f"{feature} is never on in these {len(ids):,} characters; read more with --characters")
    if as_json:
        told = asdict(result) | {"unit": str(wanted), "controls": [str(each) for each in result.controls]}
        echo_json({"model": model, "source": list(sources), "part": part, "feature": feature, **told})
    else:
        _show_ablation(result, feature)


def _labels(before: str, text: str, name: str) -> "npt.NDArray[np.float64]":
    import numpy as np

    from charrnn.errors import ConfigError
    from charrnn.neurons.features import feature_named

    feature = feature_named(name)
    values = feature.values(before + text)[len(before) :]
    if not np.isin(values[~np.isnan(values)], (0, 1)).all():
        raise ConfigError(f"{name} is a count, with no inside", "choose a feature that is on or off, or none")
    return values


_PLACES = {"all": "everywhere", "inside": "inside", "outside": "outside", "closing": "at its closing character"}


def _show_ablation(result: "Ablation", feature: str | None) -> None:
    of = f"; {feature}" if feature else ""
    click.echo(f"Unit {result.unit} held at its mean, h = {result.held_at:.3f}; nats per character{of}\n")
    click.echo(f"{'':24} {'free':>6} {'held':>6} {'cost':>7} {'95 %':^17} {'like units':^15}".rstrip())
    for place, e in result.effects.items():
        click.echo(
            f"{_PLACES[place]:24} {e.free:6.3f} {e.held:6.3f} {e.difference:+7.4f} {e.low:+.4f} … {e.high:+.4f} "
            + ("" if e.random_high is None else f"{e.random_mean:+.3f} … {e.random_high:+.3f}")
        )
    worst = [_PLACES[place] for place, e in result.effects.items() if e.tells]
    others = f"{counted(len(result.controls), 'random unit')} of like variance"
    if not result.controls:
        click.echo("\nThe layer has no other unit to compare it with.")
    elif worst:
        click.echo(f"\nTo hold it costs more than to hold any of {others}: {', '.join(worst)}.")
    else:
        click.echo(f"\nTo hold it costs no more than to hold some of {others}.")


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
@json_option
def steer(
    model: str, unit: str, prime: str, length: int, temperature: float, low: float | None, high: float | None,
    seed: int, device: str, as_json: bool,
) -> None:  # fmt: skip
    """Write three texts side by side: with the unit held low, free and held high, from the same seed.

    The hidden state is held from the first character of the prime on, after every step.
    """
    from charrnn.model.clamping import Clamp
    from charrnn.model.units import Unit
    from charrnn.sampling.distribution import SamplingConfig

    config = SamplingConfig(temperature)
    checkpoint = load_checkpoint(model)
    wanted = Unit.parse(unit, checkpoint.config)
    if low is None or high is None:
        lowest, highest = _range(build_network(checkpoint, device), checkpoint, wanted)
        low, high = lowest if low is None else low, highest if high is None else high
    values = {"low": low, "free": None, "high": high}
    texts = {}
    for name, value in values.items():
        clamps = [] if value is None else [Clamp(wanted.layer, wanted.index, value)]
        texts[name] = _write(checkpoint, clamps, config, length, prime, seed)
    if as_json:
        samples = [{"held": name, "value": values[name], "text": text} for name, text in texts.items()]
        echo_json({"model": model, "unit": unit, "prime": prime, "seed": seed, "samples": samples})
    else:
        _show_samples(texts, values)


def _write(
    checkpoint: "Checkpoint",
    clamps: "list[Clamp]",
    config: "SamplingConfig",
    length: int,
    prime: str = "",
    seed: int = 0,
) -> str:
    from charrnn.model.stepped_network import SteppedCharRNN
    from charrnn.sampling.sampler import Sampler

    network = SteppedCharRNN(checkpoint.config, checkpoint.weights, clamps)
    sampler = Sampler(network, checkpoint.vocabulary, config, checkpoint.header.line_beginnings)
    return "".join(drawn.character for drawn in sampler.draw(length, prime, seed))


def _range(network: "CharRNN", checkpoint: "Checkpoint", unit: "Unit") -> tuple[float, float]:
    """The 2nd and 98th percentile of a unit's hidden state over what the model writes by itself."""
    import numpy as np

    from charrnn.neurons.recording import record
    from charrnn.sampling.distribution import SamplingConfig

    ids = checkpoint.vocabulary.encode(_write(checkpoint, [], SamplingConfig(), WARMING))
    low, high = np.percentile(record(network, ids, ["h"]).values(unit, "h"), [2, 98])
    return float(low), float(high)


def _show_samples(texts: dict[str, str], values: dict[str, float | None]) -> None:
    """Print the texts in columns."""
    from itertools import zip_longest
    from shutil import get_terminal_size

    from rich.cells import cell_len

    from charrnn.display.columns import wrapped

    width = (get_terminal_size().columns - 2 * (len(texts) - 1)) // len(texts)
    titles = [name if values[name] is None else f"{name}, h = {values[name]:.2f}" for name in texts]
    columns = [wrapped(text, width) for text in texts.values()]
    for row in (titles, ["─" * width] * len(texts), *zip_longest(*columns, fillvalue="")):
        click.echo("  ".join(f"{cell}{' ' * (width - cell_len(cell))}" for cell in row).rstrip())
