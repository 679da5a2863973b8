"""How gradients fall with distance: curves on a logarithmic scale as rows of marks, and as pictures with a band."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from charrnn.display.colours import MARKS
from charrnn.display.drawing import Axes, by_defaults, new_figure
from charrnn.display.figures import wrapped, write

FLOOR, CEILING = -10.0, 4.0  # powers of ten between which a picture shows curves
_ABOVE = "▲"  # in a row of marks: ten or more


@dataclass(frozen=True)
class Line:
    """One curve: log10 of a value at k = 0, 1, …, with its band; −∞ where it is zero. `reading` says what is seen."""

    name: str
    reading: str
    median: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    colour: str
    dashes: str = "-"  # as matplotlib has them


@dataclass(frozen=True)
class Peak:
    """The largest gradient that a network met in training, and what became of it."""

    name: str
    norm: float | None
    outcome: str
    colour: str
    filled: bool


def marks(log10: Sequence[float], width: int) -> str:
    """Return a curve as a row of marks: █ is 1, each mark lower a tenth of it, ▲ 10 or more, blank below 10⁻⁷.

    >>> marks([0, 0, -1, -2, -7, -9, float("-inf"), 1], 8)
    '██▇▆▁  ▲'
    """
    places = [round(place * (len(log10) - 1) / max(1, width - 1)) for place in range(width)]
    return "".join(_mark(log10[place]) for place in places)


def power(log10: float) -> str:
    """Return a number, given by its logarithm, in seven signs or fewer.

    >>> power(-0.3), power(-31.25), power(2), power(float("-inf"))
    ('5.0e-1', '5.6e-32', '1.0e+2', '0')
    """
    if log10 == -math.inf:
        return "0"
    exponent = math.floor(log10)
    digits = f"{10 ** (log10 - exponent):.1f}"
    return f"1.0e{exponent + 1:+d}" if digits == "10.0" else f"{digits}e{exponent:+d}"


@by_defaults
def draw(panels: Mapping[str, Sequence[Line]], title: str, path: Path, form: str = "png") -> None:
    """Write a picture with a panel of curves, each with its band, for each name."""
    figure = new_figure(max(7.0, 4.8 * len(panels)), 5.4)
    for axes, (name, lines) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
        _panel(axes, name, lines, band=0.18)
        axes.set_ylim(*_limits(lines))
        handles = axes.get_legend_handles_labels()
        axes.legend(*handles, loc="upper center", bbox_to_anchor=(0.5, -0.12), frameon=False, fontsize=11)
    figure.suptitle(wrapped(title, figure.get_figwidth(), 14), parse_math=False, size=14)
    write(figure, path, form)


@by_defaults
def draw_cells(
    panels: Mapping[str, Sequence[Line]], peaks: Sequence[Peak], title: str, path: Path, form: str = "png"
) -> None:
    """Write a picture of three panels of curves, and a fourth with the largest gradients met in training."""
    figure = new_figure(14.4, 8.4)
    places = figure.subplots(2, 2)
    for axes, (name, lines) in zip(places.flat, panels.items(), strict=False):
        _panel(axes, name, lines, band=0.07)
        _list_beside(axes)
    _peaks(places[1, 1], peaks)
    figure.suptitle(wrapped(title, figure.get_figwidth(), 15), parse_math=False, size=15)
    write(figure, path, form)


def _panel(axes: Axes, name: str, lines: Sequence[Line], band: float) -> None:
    """Draw curves, the one that ends highest first."""
    for line in sorted(lines, key=lambda line: -line.median[-1]):
        median, low, high = (_drawn(values) for values in (line.median, line.low, line.high))
        label = f"{line.name}: {line.reading}"
        axes.plot(median, color=line.colour, ls=line.dashes, lw=2.4, label=label)
        axes.fill_between(np.arange(len(low)), low, high, color=line.colour, alpha=band, lw=0)
    axes.set_yscale("log")
    axes.set(
        xlim=(0, max((len(line.median) - 1 for line in lines), default=1)),
        ylim=(10**FLOOR, 10**CEILING),
        xlabel="k, characters back",
        ylabel="norm of the gradient",
    )
    axes.set_title(name, size=13, parse_math=False)
    axes.grid(alpha=0.3)


def _drawn(log10: Sequence[float]) -> npt.NDArray[np.float64]:
    """The values, none where it is zero, which no logarithm has; far outside a picture they go no further."""
    values = np.array(log10, np.float64)
    return np.where(np.isfinite(values), 10 ** np.clip(values, -100, 100), np.nan)


def _limits(lines: Sequence[Line]) -> tuple[float, float]:
    """Whole powers of ten about all bands, as far as a picture goes."""
    powers = [value for line in lines for band in (line.low, line.high) for value in band if math.isfinite(value)]
    low, high = math.floor(min(powers, default=FLOOR)), math.ceil(max(powers, default=0))
    return 10.0 ** max(FLOOR, low), 10.0 ** min(-2 * FLOOR, max(0, high))


def _list_beside(axes: Axes) -> None:
    """List the curves in the order in which they end, so that each is found at about its height."""
    handles, labels = axes.get_legend_handles_labels()
    wrapped = [label.replace(": ", "\n", 1) for label in labels]
    axes.legend(handles, wrapped, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=11)


def _peaks(axes: Axes, peaks: Sequence[Peak]) -> None:
    names = list(dict.fromkeys(peak.name for peak in peaks))
    for peak in peaks:
        row = names.index(peak.name) + (-0.19 if peak.filled else 0.19)
        norm = 1.0 if peak.norm is None else peak.norm
        if peak.norm is not None:
            face = peak.colour if peak.filled else "white"
            axes.plot([norm], [row], "o", color=peak.colour, ms=9, mfc=face, mew=2)
        axes.annotate(peak.outcome, (norm, row), (9, 0), textcoords="offset points", va="center", size=10)
    largest = max((peak.norm for peak in peaks if peak.norm is not None), default=1.0)
    axes.set_xscale("log")
    axes.set(xlim=(0.3, max(1e3, largest) ** 1.4), ylim=(len(names) - 0.5, -0.5), yticks=range(len(names)))
    axes.set_yticklabels(names, size=11)
    axes.set_xlabel("norm, before clipping")
    axes.grid(alpha=0.3, axis="x")
    axes.set_title("training: largest gradient of the weights, last loss\n● clipped  ○ not clipped", size=13)


def _mark(log10: float) -> str:
    if log10 >= 1:
        return _ABOVE
    place = len(MARKS) - 1 + round(min(0.0, max(-100.0, log10)))
    return MARKS[place] if place >= 0 else " "
