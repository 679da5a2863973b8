"""The loss curve of a run as a picture."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

# Okabe and Ito's palette for colour-blind eyes
_TRAIN, _VAL = "#56B4E9", "#D55E00"


def draw(log: Sequence[Mapping[str, float]], title: str, path: Path) -> None:
    """Write a PNG of the training and validation loss over the steps; `log` has the lines of a run's log."""
    figure = Figure(figsize=(8, 4.5), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.plot([line["step"] for line in log], [line["train_nats"] for line in log], color=_TRAIN, label="train", lw=1)
    measured = [(line["step"], line["val_nats"]) for line in log if line.get("val_nats") is not None]
    if measured:
        axes.plot(*zip(*measured, strict=True), color=_VAL, marker="o", ms=4, label="validation")
    axes.set(xlabel="step", ylabel="nats per character", xlim=(0, None))
    axes.set_title(title, parse_math=False)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    saved(figure, path)


def saved(figure: Figure, path: Path) -> None:
    """Write a figure as PNG; a title in a script that matplotlib's font lacks is no reason for a warning."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")
        figure.savefig(path, format="png")
