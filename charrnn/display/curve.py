"""The loss curves of runs as pictures: one run with its best point, or several side by side."""

from collections.abc import Mapping, Sequence
from math import log as ln
from pathlib import Path
from typing import Any

import numpy as np

from charrnn.display.colours import OKABE_ITO, PALETTE
from charrnn.display.drawing import Axes, by_defaults, new_figure
from charrnn.display.figures import wrapped, write
from charrnn.display.plot import best, measured, shown, validated, window
from charrnn.display.signs import one_line

Log = Sequence[Mapping[str, Any]]

_TRAIN, _VAL = OKABE_ITO["sky"], OKABE_ITO["vermilion"]
_DASHES = ("-", "--", "-.")
_LONGEST = 24  # characters of a run's name in a picture


@by_defaults
def draw(log: Log, title: str, path: Path, noun: str = "character") -> None:
    """Write a PNG of the training and validation loss over the steps; `log` has the lines of a run's log.

    Losses are by character, or by what `noun` says.

    The best validation is marked, and what lies above it afterwards is shaded: that is overfitting.
    """
    figure = new_figure(8, 4.5, dpi=120)
    axes = figure.subplots()
    axes.plot([line["step"] for line in log], [line["train_nats"] for line in log], color=_TRAIN, label="train", lw=1)
    if measured(log):
        _validation(axes, log)
    axes.set(xlabel="step", ylabel=f"nats per {noun}", xlim=(0, None), ylim=window([log]))
    figure.suptitle(wrapped(title, 8), parse_math=False)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    _bits_beside(axes, noun)
    write(figure, path)


@by_defaults
def draw_together(logs: Mapping[str, Log], path: Path, form: str = "png") -> None:
    """Write a picture of several runs' losses, by their names: against time, and against epochs.

    A line is the validation loss with its best point, or, where it was hardly measured, the training loss.
    """
    figure = new_figure(12, 4.5, dpi=120)
    over_time, over_epochs = figure.subplots(1, 2, sharey=True)
    for axes, key, label in ((over_time, "seconds", "seconds of training"), (over_epochs, "epoch", "epochs")):
        ends = [_line(axes, log, key, place) for place, log in enumerate(logs.values())]
        axes.set(xlabel=label, ylim=window([shown(log) for log in logs.values()]), xlim=(0, None))
        _label(axes, [f"{one_line(name)}{'' if validated(log) else ' (train)'}" for name, log in logs.items()], ends)
    over_time.set_ylabel("nats per character, validation")
    over_time.grid(alpha=0.3)
    _bits_beside(over_epochs)
    write(figure, path, form)


def _validation(axes: Axes, log: Log) -> None:
    lines, lowest = measured(log), best(log)
    steps, nats = [line["step"] for line in lines], [line["val_nats"] for line in lines]
    axes.plot(steps, nats, color=_VAL, marker="o", ms=4, label="validation")
    label = f"best validation: {lowest['val_nats']:.3f} nats at step {lowest['step']:,}"
    axes.plot(lowest["step"], lowest["val_nats"], "*", color=_VAL, mec="black", ms=14, zorder=3, label=label)
    since = [line["step"] >= lowest["step"] for line in lines]
    axes.fill_between(steps, nats, lowest["val_nats"], where=since, color=_VAL, alpha=0.15, lw=0)


def _line(axes: Axes, log: Log, key: str, place: int) -> tuple[float, float]:
    """Draw one run among several; return where its line ends."""
    lines, name = shown(log), "val_nats" if validated(log) else "train_nats"
    xs, ys = ([line[of] for line in lines] for of in (key, name))
    axes.plot(xs, ys, marker="o", ms=3, color=_colour(place), ls=_DASHES[place // len(PALETTE) % len(_DASHES)])
    if validated(log):
        axes.plot(best(log)[key], best(log)["val_nats"], "*", color=_colour(place), mec="black", ms=11, zorder=3)
    return lines[-1][key], lines[-1][name]


def _label(axes: Axes, names: Sequence[str], ends: Sequence[tuple[float, float]]) -> None:
    """Write each name at the end of its line; where lines end close to each other, above or below with a pointer."""
    low, high = axes.get_ylim()
    width = axes.get_xlim()[1]
    axes.set_xlim(0, 1.5 * width)
    heights = _apart([min(high, max(low, y)) for _, y in ends], low, high)
    for place, (name, (x, y), height) in enumerate(zip(names, ends, heights, strict=True)):
        axes.plot([x, 1.02 * width], [y, height], color=_colour(place), lw=0.5, ls=":")
        shown = name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"
        axes.text(1.03 * width, height, shown, color=_colour(place), va="center", size=8, parse_math=False)


def _apart(heights: Sequence[float], low: float, high: float) -> list[float]:
    """Move heights as little as needed, from below to above, so that labels there do not cover each other."""
    gap = min(0.05, 1 / max(1, len(heights))) * (high - low)
    order = sorted(range(len(heights)), key=lambda place: heights[place])
    moved, least = list(heights), low + gap / 2
    for place in order:
        moved[place] = least = max(heights[place], least)
        least += gap
    most = high - gap / 2
    for place in reversed(order):
        moved[place] = min(moved[place], most)
        most = moved[place] - gap
    return moved


def _colour(place: int) -> str:
    return PALETTE[place % len(PALETTE)]


def _bits_beside(axes: Axes, noun: str = "character") -> None:
    axes.grid(alpha=0.3)
    bits = axes.secondary_yaxis("right", functions=(lambda y: np.asarray(y) / ln(2), lambda y: np.asarray(y) * ln(2)))
    bits.set_ylabel(f"bits per {noun}")
