"""The loss curves of runs as pictures: one run with its best point, or several side by side."""

import warnings
from collections.abc import Mapping, Sequence
from itertools import cycle
from math import log
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from charrnn.display.plot import best, measured, window

Log = Sequence[Mapping[str, Any]]

# Okabe and Ito's palette for colour-blind eyes; the yellow is left out, which is faint on white
_TRAIN, _VAL = "#56B4E9", "#D55E00"
_PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_DASHES = ("-", "--", ":", "-.")


def draw(log: Log, title: str, path: Path) -> None:
    """Write a PNG of the training and validation loss over the steps; `log` has the lines of a run's log.

    The best validation is marked, and what lies above it afterwards is shaded: that is overfitting.
    """
    figure = _figure(width=8)
    axes = figure.subplots()
    axes.plot([line["step"] for line in log], [line["train_nats"] for line in log], color=_TRAIN, label="train", lw=1)
    if measured(log):
        _validation(axes, log)
    axes.set(xlabel="step", ylabel="nats per character", xlim=(0, None), ylim=window([log]))
    axes.set_title(title, parse_math=False)
    axes.legend(frameon=False, loc="upper right")
    _bits_beside(axes)
    _write(figure, path)


def draw_together(logs: Mapping[str, Log], path: Path) -> None:
    """Write a PNG of several runs' losses, by their names: against time, and against epochs.

    A line is the validation loss, or, where none was measured, the training loss. Each is labelled at its end.
    """
    figure = _figure(width=12)
    over_time, over_epochs = figure.subplots(1, 2, sharey=True)
    for axes, key, label in ((over_time, "seconds", "seconds of training"), (over_epochs, "epoch", "epochs")):
        for (name, log), colour, dash in zip(logs.items(), cycle(_PALETTE), _dashes(), strict=False):
            _line(axes, log, key, name, colour, dash)
        axes.set(xlabel=label, ylim=window(list(logs.values())))
        axes.margins(x=0.02)
    over_time.set_ylabel("nats per character")
    _spread_labels(figure, (over_time, over_epochs))
    _bits_beside(over_epochs)
    _write(figure, path)


def _figure(width: float) -> Figure:
    figure = Figure(figsize=(width, 4.5), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _validation(axes: Axes, log: Log) -> None:
    lines, lowest = measured(log), best(log)
    steps, nats = [line["step"] for line in lines], [line["val_nats"] for line in lines]
    axes.plot(steps, nats, color=_VAL, marker="o", ms=4, label="validation")
    axes.plot(lowest["step"], lowest["val_nats"], "*", color=_VAL, mec="black", ms=14, zorder=3, label="best")
    axes.annotate(
        f"best: {lowest['val_nats']:.3f} nats, step {lowest['step']:,}", (lowest["step"], lowest["val_nats"]),
        xytext=(0, 12), textcoords="offset points", ha="center" if 0.2 < lowest["step"] / log[-1]["step"] < 0.8
        else "left" if lowest["step"] / log[-1]["step"] <= 0.2 else "right", annotation_clip=False,
    )  # fmt: skip
    since = [line["step"] >= lowest["step"] for line in lines]
    axes.fill_between(steps, nats, lowest["val_nats"], where=since, color=_VAL, alpha=0.15, lw=0)


def _bits_beside(axes: Axes) -> None:
    axes.grid(alpha=0.3)
    bits = axes.secondary_yaxis("right", functions=(lambda nats: nats / log(2), lambda bits: bits * log(2)))
    bits.set_ylabel("bits per character")


def _write(figure: Figure, path: Path) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a name in a script that matplotlib's font lacks
        figure.savefig(path, format="png")
