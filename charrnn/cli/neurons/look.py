"""`charrnn neurons gates` and `grep`: how saturated gates are, and passages in which units do alike."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charrnn.cli.common import (
    beginning,
    build_network,
    device_option,
    echo_json,
    encode,
    examples,
    json_option,
    load_checkpoint,
    model_argument,
    part_option,
    progress_bar,
    read_text,
    read_unseen,
    reading_options,
    sources_argument,
    unseen_part_option,
)
from charrnn.cli.output import PICTURE, echo_written
from charrnn.text.reading import Reading

if TYPE_CHECKING:
    from charrnn.neurons.gates import Saturation

LONGEST = 5  # units listed with the longest memory
ENDLESS = 1e9  # characters: a memory that lasts as long never fades
WIDTH, HEIGHT = 22, 9  # of a scatter plot in the terminal


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
@json_option
def gates(
    model: str, sources: tuple[str, ...], output: Path | None, characters: int, part: str | None, reading: Reading,
    device: str, as_json: bool,
) -> None:  # fmt: skip
    """Tell how often each unit's gates are nearly shut (below 0.1) and nearly open (above 0.9) over SOURCE.

    Each gate of each layer is a scatter plot, a point for each unit: how often it is shut to the right, open upwards.
    A unit's half-life follows from its forget gate (a GRU's z): after so many characters half of a memory is left.
    """
    from charrnn.model.devices import choose_precision
    from charrnn.neurons.gates import gates_from_0_to_1, saturation

    checkpoint = load_checkpoint(model)
    names = gates_from_0_to_1(checkpoint.config)
    text, *_ = read_unseen(sources, reading, checkpoint, part)
    ids = encode(checkpoint, beginning(checkpoint, text, characters))[:characters]
    network = build_network(checkpoint, device)
    with progress_bar(len(ids), "recording") as bar:
        result = saturation(network, ids, choose_precision(None, network.device), bar.update)
    if output:
        _draw(result, names, f"{model} over {' '.join(sources)}", output)
    if as_json:
        lives = [[life if life < ENDLESS else None for life in layer] for layer in result.half_life.tolist()]
        told = {name: {"left": result.left[name].tolist(), "right": result.right[name].tolist()} for name in names}
        echo_json({"model": model, "source": list(sources), "characters": len(ids), "gates": told, "half_life": lives})
        return
    for layer in range(checkpoint.config.num_layers):
        _show_layer(result, names, layer)
    if output:
        echo_written(output)


def _points(result: "Saturation", name: str, layer: int) -> list[tuple[float, float]]:
    return list(zip(result.left[name][layer].tolist(), result.right[name][layer].tolist(), strict=True))


def _draw(result: "Saturation", names: tuple[str, ...], title: str, output: Path) -> None:
    from charrnn.display.figures import form_of
    from charrnn.display.scatter import draw
    from charrnn.files import replacing

    layers = range(len(result.half_life))
    panels = {f"gate {name}": {f"layer {layer}": _points(result, name, layer) for layer in layers} for name in names}
    with replacing(output) as temporary:
        draw(panels, ("share of characters below 0.1", "share above 0.9"), title, temporary, form_of(output))


def _shown(life: float) -> str:
    return f"{life:,.0f}" if life < ENDLESS else "∞"


def _show_layer(result: "Saturation", names: tuple[str, ...], layer: int) -> None:
    import numpy as np

    from charrnn.display.scatter import rows

    click.echo(f"Layer {layer}: shares of characters with a gate shut (→) and open (↑), a point a unit")
    pictures = [rows(_points(result, name, layer), WIDTH, HEIGHT) for name in names]
    click.echo("  ".join(f"{name:^{WIDTH + 2}}" for name in names).rstrip())
    for line in zip(*pictures, strict=True):
        click.echo("  ".join(f"│{row}│" for row in line))
    means = [(result.left[name][layer].mean(), result.right[name][layer].mean()) for name in names]
    click.echo(
        "  ".join(f"{f'shut {100 * left:.0f} % open {100 * right:.0f} %':^{WIDTH + 2}}" for left, right in means)
    )
    lives = result.half_life[layer]
    few, middle, many = np.percentile(np.minimum(lives, ENDLESS), [10, 50, 90])
    click.echo(f"half-lives: 10 % below {few:.1f} characters, half below {middle:.1f}, 90 % below {many:.1f}")
    longest = np.argsort(-lives, kind="stable")[:LONGEST]
    click.echo("longest: " + ", ".join(f"{layer}:{unit} ({_shown(lives[unit])})" for unit in longest) + "\n")


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
@json_option
def grep(
    model: str, sources: tuple[str, ...], units: tuple[str, ...], like: str, count: int, signal: str | None,
    part: str, reading: Reading, device: str, as_json: bool,
) -> None:  # fmt: skip
    """Find the passages of SOURCE in which some units do what they do from START to END of it.

    Ranked by the distance of the units' values, character by character, in standard deviations. The values of these
    units over all of SOURCE are held in memory, some 30 bytes a character for each.
    """
    from charrnn.model.units import Unit
    from charrnn.neurons.passages import alike
    from charrnn.neurons.recording import default_signal

    checkpoint = load_checkpoint(model)
    wanted = [Unit.parse(unit, checkpoint.config) for unit in units]
    ids = encode(checkpoint, read_text(sources, reading, checkpoint, part))
    start, end = _passage(like, len(ids))
    values = _values(build_network(checkpoint, device), ids, wanted, signal or default_signal(checkpoint.config))
    matches = alike(values, start, end, count)
    decode = checkpoint.vocabulary.decode
    told = [asdict(match) | {"text": decode(ids[match.start : match.end])} for match in matches]
    if as_json:
        asked = {"start": start, "end": end, "text": decode(ids[start:end])}
        echo_json({"model": model, "source": list(sources), "units": list(units), "like": asked, "matches": told})
    else:
        _show_matches(told, decode(ids[start:end]), start)


def _passage(like: str, length: int) -> tuple[int, int]:
    from charrnn.errors import ConfigError

    first, _, last = like.partition(":")
    if not (first.isdecimal() and last.isdecimal() and len(like) <= 30 and int(first) < int(last) <= length):
        raise ConfigError(f"{like!r} is no passage of {length:,} characters", "write START:END, such as 1000:1040")
    return int(first), int(last)


def _values(network: Any, ids: Any, units: Any, signal: str) -> Any:
    """Record some units [U, T] only, in float32: passages most alike differ by less than bfloat16 tells."""
    import numpy as np

    from charrnn.neurons.recording import record_pieces

    values = np.empty((len(units), len(ids)), np.float32)
    with progress_bar(len(ids), "recording") as bar:
        for piece in record_pieces(network, ids, [signal]):
            for row, unit in enumerate(units):
                recorded = piece.signals[signal][unit.layer, :, unit.index]
                values[row, piece.start : piece.start + piece.characters] = recorded.float().cpu().numpy()
            bar.update(piece.characters)
    return values


def _show_matches(matches: list[dict[str, Any]], asked: str, start: int) -> None:
    from charrnn.display.signs import one_line

    click.echo(f"{'like':>8}  {start:>10,}  {one_line(asked)}")
    for match in matches:
        click.echo(f"{match['distance']:8.2f}  {match['start']:>10,}  {one_line(match['text'])}")
