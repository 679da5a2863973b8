"""How far gradients reach, of a model's layers or of cells fresh and trained: tables of 80 columns, and pictures."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from charrnn.display import decay
from charrnn.display.colours import OKABE_ITO, PALETTE
from charrnn.display.decay import Line, Peak, marks, power
from charrnn.display.signs import one_line

MOMENTS = {
    "fresh": "fresh",
    "clipped": "after training, the gradient clipped",
    "unclipped": "after training, not clipped",
}
_NAME, _WIDTH = 19, 16  # columns of a curve's name, and of the curve, in the terminal
_PARTS = {"state": "h and c together", "h": "h alone", "c": "c alone"}
_COLOURS = {"rnn": "vermilion", "lstm": "blue", "gru": "green", "peephole": "purple"}

Curve = Mapping[str, Any]  # as JSON has it


def text(told: dict[str, Any]) -> str:
    """Return the curves of a model as lines."""
    title = f"{told['model']} over {' '.join(told['source'])}"
    lines = [_title(title, told["losses"]), *_heads(told["distance"])]
    for part, layers in told["curves"].items():
        lines += [_part(part, told), *(_row(f"layer {layer}", curve) for layer, curve in enumerate(layers))]
    return "\n".join(lines)


def draw(told: dict[str, Any], path: Path, form: str) -> None:
    """Write a picture with a panel for each part of the state, in it a curve for each layer."""
    panels = {
        _part(part, told): [
            _line(f"layer {layer}", curve, PALETTE[layer % len(PALETTE)]) for layer, curve in enumerate(layers)
        ]
        for part, layers in told["curves"].items()
    }
    decay.draw(panels, f"∂loss/∂state, k characters back: {told['model']} over {' '.join(told['source'])}", path, form)


def cells_text(told: dict[str, Any], name: str) -> str:
    """Return the curves of some cells over a text of that name, and what came of their trainings, as lines."""
    steps, cells = told["steps"], told["cells"]
    lines = [
        _title(name, told["losses"]),
        f"with respect to all of the state (h; in LSTMs h and c); networks of 1×{told['hidden_size']}",
        *_heads(told["distance"]),
    ]
    for moment, title in MOMENTS.items():
        lines += [title, *(_cell_row(cell["name"], cell[moment]) for cell in cells)]
    trained = f"trained {steps:,} step{'' if steps == 1 else 's'}"
    lines += [
        f"\n{trained:{_NAME}}{'largest gradient of the weights':>34}     last loss, nats",
        f"{'':{_NAME}}{'clipped':>16}  {'not clipped':>16}  {'clipped':>8}  {'not':>8}",
        *map(_training_row, cells),
    ]
    return "\n".join(lines)


def draw_cells(told: dict[str, Any], name: str, path: Path, form: str) -> None:
    """Write a picture of the cells' curves at each moment, and of what their trainings met."""
    steps, cells = told["steps"], told["cells"]
    panels = {
        title: [_line(each["name"], each[moment]["curve"], *_look(each)) for each in cells if each[moment]["curve"]]
        for moment, title in MOMENTS.items()
    }
    title = (
        f"Does the gradient last? ∂loss/∂state k characters back: {_over(told['losses'])} on {name}; "
        f"1×{told['hidden_size']}, {steps:,} step{'' if steps == 1 else 's'}"
    )
    peaks = [
        Peak(each["name"], met["largest_grad_norm"], _came_to(met), _look(each)[0], met is each["clipped"])
        for each in cells
        for met in (each["clipped"], each["unclipped"])
    ]
    decay.draw_cells(panels, peaks, title, path, form)


def _title(of: str, losses: int) -> str:
    return one_line(f"{of}: the gradient's norm k characters back, {_over(losses)}")


def _over(losses: int) -> str:
    """What a curve is of.

    >>> _over(1), _over(1000)
    ('one loss', 'median of 1,000 losses')
    """
    return "one loss" if losses == 1 else f"median of {losses:,} losses"


def _part(part: str, told: dict[str, Any]) -> str:
    return f"with respect to {_PARTS[part] if len(told['curves']) > 1 else 'h'}"


def _heads(distance: int) -> list[str]:
    """What stands in the columns of a row."""
    scale = f"k = 0 … {distance}"
    return [
        "█: 1 or more (▲: 10), each mark lower a tenth of it, blank: below 10⁻⁷",
        f"{'':{_NAME}}{scale:<{_WIDTH}}  {'k = 10':>7}  {f'k = {distance}':>8}  {'below 1 %':>9}  trend",
    ]


def _row(name: str, curve: Curve) -> str:
    """A curve as a line of 80 columns."""
    median, gone, life = _logs(curve, "median"), curve["below_1_percent"], curve["half_life"]
    middle = power(median[10]) if len(median) > 10 else ""
    below = "never" if gone is None else f"k = {gone}"
    trend = "level" if life is None else f"½ in {_figure(life)}" if life > 0 else f"×2 in {_figure(-life)}"
    picture = f"{f'  {name}':{_NAME}}{marks(median, _WIDTH)}"
    return f"{picture}  {middle:>7}  {power(median[-1]):>8}  {below:>9}  {trend}"


def _cell_row(name: str, measured: dict[str, Any]) -> str:
    """A cell's curve, or why there is none."""
    if measured["curve"]:
        return _row(name, measured["curve"])
    step = measured["diverged"]
    return f"  {name:{_NAME - 2}}{f'diverged at step {step}' if step else 'the states overflow'}"


def _training_row(cell: dict[str, Any]) -> str:
    trainings = [cell[moment] for moment in ("clipped", "unclipped")]
    norms = [t["largest_grad_norm"] for t in trainings]
    losses = ["–" if t["diverged"] else _nats(t["train_nats"]) for t in trainings]
    shown = "  ".join(f"{'–' if norm is None else f'{norm:.3g}':>16}" for norm in norms)
    return f"  {cell['name']:{_NAME - 2}}{shown}  {'  '.join(f'{loss:>8}' for loss in losses)}"


def _line(name: str, curve: Curve, colour: str, dashes: str = "-") -> Line:
    """A curve as the picture wants it, and what it tells in words."""
    life = curve["half_life"]
    trend = f"falls by half every {_figure(life)}" if (life or 0) > 0 else f"doubles every {_figure(-(life or 0))}"
    median, low, high = (_logs(curve, name) for name in ("median", "low", "high"))
    return Line(name, "neither falls nor grows" if life is None else trend, median, low, high, colour, dashes)


def _look(cell: dict[str, Any]) -> tuple[str, str]:
    """A cell's colour and dashes; the peephole LSTM is dotted as it starts on the LSTM's curve."""
    colour = "orange" if cell.get("nonlinearity") == "relu" else _COLOURS[cell["cell"]]
    changed = cell["recurrent_scale"] != 1 or cell["forget_bias"] is not None
    return OKABE_ITO[colour], "--" if changed else ":" if cell["cell"] == "peephole" else "-"


def _logs(curve: Curve, name: str) -> Sequence[float]:
    return [-math.inf if value is None else value for value in curve[f"log10_{name}"]]


def _came_to(training: dict[str, Any]) -> str:
    step = training["diverged"]
    return f"diverged at step {step}" if step else f"{_nats(training['train_nats'])} nats"


def _nats(loss: float | None) -> str:
    """A loss in eight signs or fewer, also that of a network whose states explode."""
    return "–" if loss is None else f"{loss:.2f}" if loss < 1000 else f"{loss:.1e}"


def _figure(characters: float) -> str:
    return f"{characters:.1f}" if characters < 10 else f"{characters:,.0f}"
