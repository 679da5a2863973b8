"""`charrnn gradients`: how a loss's gradient vanishes or explodes on its way back through time."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charrnn.cli.common import (
    build_network,
    device_option,
    echo_json,
    encode,
    examples,
    json_option,
    load_checkpoint,
    network_threads_option,
    progress_bar,
    read_unseen,
    reading_options,
    unseen_part_option,
)
from charrnn.cli.output import PICTURE, echo_written, spare_inputs
from charrnn.text.reading import Reading

if TYPE_CHECKING:
    from charrnn.display.decay import Line
    from charrnn.neurons.gradients import Curve

NAME, WIDTH = 19, 16  # columns of a curve's name, and of the curve, in the terminal
OF_CELLS = ("steps", "hidden_size", "clip_norm", "seed")
NAMES = {"state": "h and c together", "h": "h alone", "c": "c alone"}


@click.command(
    epilog=examples(
        "charrnn gradients checkpoints/python-lstm python",
        "charrnn gradients checkpoints/python-lstm python --distance 200 -o gradients.png",
        "charrnn gradients --cells -o cells.png",
        "charrnn gradients --cells python --steps 50 --json",
    )
)
@click.argument("arguments", nargs=-1, metavar="[MODEL] SOURCE...", callback=spare_inputs)
@click.option(
    "--cells", is_flag=True, help="Instead of MODEL: a fresh network of each cell, before and after training."
)
@click.option("--distance", type=click.IntRange(2, 5000), default=100, show_default=True, help="The largest k.")
@click.option(
    "--losses", type=click.IntRange(1, 10_000), default=64, show_default=True,
    help="Of how many characters, spread evenly over the text, the loss is taken.",
)  # fmt: skip
@click.option("--steps", type=click.IntRange(1), default=120, show_default=True, help="With --cells: of each training.")
@click.option("--hidden-size", type=click.IntRange(1), default=128, show_default=True, help="With --cells: units.")
@click.option(
    "--clip-norm", type=click.FloatRange(0, min_open=True), default=1.0, show_default=True,
    help="With --cells: the gradient's largest norm where it is clipped.",
)  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="With --cells: of the first weights.")
@click.option(
    "-o", "--output", type=PICTURE, metavar="PICTURE.png",
    help="Draw it there, as PNG or, by the name, as SVG.",
)  # fmt: skip
@unseen_part_option
@reading_options
@device_option
@network_threads_option
@json_option
def gradients(
    arguments: tuple[str, ...], cells: bool, distance: int, losses: int, steps: int, hidden_size: int,
    clip_norm: float, seed: int, output: Path | None, part: str | None, reading: Reading, device: str, as_json: bool,
) -> None:  # fmt: skip
    """Show how a loss's gradient vanishes, explodes or lasts: the norm of ∂loss_t/∂(state after character t−k), over k.

    The loss is −ln p of the character after character t. The state is all that a layer hands on from one character to
    the next: h and, in an LSTM, c too, both together, for it is c that carries its memory; h and c alone stand below.
    Each curve is the median over many t, and the band of a picture holds 80 % of them.

    With --cells (SOURCE by default is python), networks of all cells are measured on the end of the text as they
    start, and after a short training on its beginning, with the gradient clipped and not. Two of them start
    otherwise than `charrnn train` does: a ReLU network with recurrent weights 1.6 times as large, and an LSTM whose
    forget gates are open (bias 5 instead of 1).
    """
    from charrnn.cli.cells import Experiment, compare_cells

    if cells:
        if part is not None:
            raise click.UsageError("--part is of a MODEL's text; with --cells it is the end of SOURCE.")
        experiment = Experiment(steps, hidden_size, clip_norm, seed, distance, losses)
        compare_cells(arguments or ("python",), reading, experiment, device, output, as_json)
        return
    _refuse_options_of_cells()
    if len(arguments) < 2:
        raise click.UsageError("Give MODEL and SOURCE, or --cells.")
    model, sources = arguments[0], arguments[1:]
    found, characters = _measure(model, sources, part, reading, device, distance, losses)
    if output:
        _draw(found, model, sources, output)
    if as_json:
        parts = {name: [curve_told(curve) for curve in layers] for name, layers in found.items()}
        about = {"model": model, "source": list(sources), "characters": characters, "losses": losses}
        echo_json({**about, "distance": distance, "curves": parts})
        return
    _show(found, f"{model} over {' '.join(sources)}", distance, losses)
    if output:
        echo_written(output)


def _refuse_options_of_cells() -> None:
    """An option that would be ignored is an error."""
    context = click.get_current_context()
    for name in OF_CELLS:
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name.replace('_', '-')} is for --cells.")


def _measure(
    model: str, sources: tuple[str, ...], part: str | None, reading: Reading, device: str, distance: int, losses: int
) -> "tuple[dict[str, list[Curve]], int]":
    """The curves of a model over a text, by part and layer, and the text's length."""
    from charrnn.neurons.gradients import curves

    checkpoint = load_checkpoint(model)
    ids = encode(checkpoint, read_unseen(sources, reading, checkpoint, part)[0])
    network = build_network(checkpoint, device)
    with progress_bar(distance, "going back", unit="step") as bar:
        return curves(network, ids, distance, losses, bar.update), len(ids)


def _show(found: "dict[str, list[Curve]]", title: str, distance: int, losses: int) -> None:
    from charrnn.display.signs import one_line

    click.echo(one_line(f"{title}: the gradient's norm k characters back, median of {losses:,} losses"))
    echo_heads(distance)
    for part, layers in found.items():
        click.echo(f"with respect to {NAMES[part]}" if len(found) > 1 else "with respect to h")
        for layer, curve in enumerate(layers):
            click.echo(row(f"layer {layer}", curve))


def _draw(found: "dict[str, list[Curve]]", model: str, sources: tuple[str, ...], output: Path) -> None:
    from charrnn.display.decay import PALETTE, draw
    from charrnn.display.figures import form_of
    from charrnn.files import replacing

    panels = {
        f"with respect to {NAMES[part]}" if len(found) > 1 else "with respect to h": [
            line(f"layer {layer}", curve, PALETTE[layer % len(PALETTE)]) for layer, curve in enumerate(layers)
        ]
        for part, layers in found.items()
    }
    with replacing(output) as temporary:
        draw(
            panels,
            f"∂loss/∂state, k characters back: {model} over {' '.join(sources)}",
            temporary,
            form_of(output),
        )


def echo_heads(distance: int) -> None:
    """Say what stands in the columns of `row`."""
    click.echo("█: 1 or more (▲: 10), each mark lower a tenth of it, blank: below 10⁻⁷")
    scale = f"k = 0 … {distance}"
    click.echo(f"{'':{NAME}}{scale:<{WIDTH}}  {'k = 10':>7}  {f'k = {distance}':>8}  {'below 1 %':>9}  trend")


def row(name: str, curve: "Curve") -> str:
    """Return a curve as a line of 80 columns."""
    from charrnn.display.decay import marks, power

    median = curve.median.tolist()
    gone, middle = curve.gone(0.01), power(median[10]) if len(median) > 10 else ""
    below = "never" if gone is None else f"k = {gone}"
    picture = f"{f'  {name}':{NAME}}{marks(median, WIDTH)}"
    return f"{picture}  {middle:>7}  {power(median[-1]):>8}  {below:>9}  {trend(curve)}"


def trend(curve: "Curve") -> str:
    """Return in how many characters a curve falls by half, or doubles."""
    life = curve.half_life
    if life is None:
        return "level"
    return f"½ in {_figure(life)}" if life > 0 else f"×2 in {_figure(-life)}"


def reading(curve: "Curve") -> str:
    """Return what a curve tells, in words."""
    life = curve.half_life
    if life is None:
        return "neither falls nor grows"
    return f"falls by half every {_figure(life)}" if life > 0 else f"doubles every {_figure(-life)}"


def line(name: str, curve: "Curve", colour: str, dashes: str = "-") -> "Line":
    """Return a curve as the picture wants it."""
    from charrnn.display.decay import Line

    median, low, high = (values.tolist() for values in (curve.median, curve.low, curve.high))
    return Line(name, reading(curve), median, low, high, colour, dashes)


def curve_told(curve: "Curve") -> dict[str, Any]:
    """Return a curve as JSON has it: null stands for the logarithm of zero."""
    values = {"median": curve.median, "low": curve.low, "high": curve.high}
    logs = {f"log10_{name}": [v if math.isfinite(v) else None for v in of.tolist()] for name, of in values.items()}
    return {**logs, "half_life": curve.half_life, "below_1_percent": curve.gone(0.01)}


def _figure(characters: float) -> str:
    return f"{characters:.1f}" if characters < 10 else f"{characters:,.0f}"
