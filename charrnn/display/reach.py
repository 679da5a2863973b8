"""The reach of a memory: a passage coloured by what bears on one prediction, and the curve of it over distance."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from charrnn.display import figures, page, picture, terminal
from charrnn.display.colours import OKABE_ITO
from charrnn.display.drawing import Figure, by_defaults, new_figure
from charrnn.display.grid import COLUMNS
from charrnn.display.highlight import Highlight, cell, guess_sign

DECADES = 3  # powers of ten below the strongest influence that colours and curve show
WIDE, HIGH = 8.0, 3.2  # inches of the curve, as wide as a picture of 80 columns
ROWS = 100  # of a picture's text, those nearest to the prediction
LEADS_TO = "→"  # stands between the passage and the character that is predicted
BAR = 38  # columns of a bar in the terminal
_SCALES = {
    "norm": "log scale: 3 the strongest, 2 a tenth, 0 a thousandth",
    "product": "log scale: ±1 strongest, ±⅔ a tenth; red for it, blue against",
}


@dataclass(frozen=True)
class Reach:
    """A highlight of N characters, and what a curve of their influence over distance needs."""

    highlight: Highlight
    sizes: Sequence[float]  # of each character's influence, relative to the strongest, [N], in the text's order
    shares: Sequence[tuple[float, int]]  # (share of all influence, distance within which it lies)


def place(value: float) -> float:
    """Return where an influence, −1 to 1 relative to the strongest, stands on the logarithmic scale, −1 to 1.

    >>> [round(place(value), 2) for value in (1, 0.1, -0.01, 0.0001, 0)]
    [1.0, 0.67, -0.33, 0.0, 0.0]
    """
    if not value:
        return 0.0
    return math.copysign(max(0.0, 1 + math.log10(abs(value)) / DECADES), value)


def text(drawn: Reach) -> str:
    """Return the passage with marks for its colours, and the curve."""
    return terminal.plain(drawn.highlight) + "\n".join(below(drawn)) + "\n"


def of_dict(told: dict[str, Any]) -> Reach:
    """Return what is drawn of a trace, which is as its JSON object has it."""
    signed = told["measure"] == "product"
    places = [place(value) for value in told["influence"]]
    highlight = Highlight.of(
        title=_title(told),
        scale=_SCALES[told["measure"]],
        source=_source(told),
        text=told.get("symbols", told["text"]),
        values=places if signed else [DECADES * value for value in places],
        guesses=[],
        top=None if signed else DECADES,
    )
    predicted = tuple(cell(sign, 0.0) for sign in (LEADS_TO, guess_sign(told["of"])))
    highlight = replace(highlight, cells=(*highlight.cells, *predicted))
    shares = [(float(share), distance) for share, distance in told["reach"].items()]
    return Reach(highlight, [abs(value) for value in told["influence"]], shares)


def _title(told: dict[str, Any]) -> str:
    """Which prediction it is about, and how the model holds it."""
    of, there = guess_sign(told["of"]), guess_sign(told["there"])
    instead = "" if of == there else f" instead of “{there}”"
    return f"What influences “{of}”{instead} at {told['position']:,} (probability {_percent(told['probability'])})"


def _source(told: dict[str, Any]) -> str:
    likeliest = "  ".join(f"{guess_sign(c)} {_percent(chance)}" for c, chance in told["likeliest"])
    return f"{told['model']}, {told['source']} from {told['start']:,} on; likeliest: {likeliest}"


def below(drawn: Reach) -> list[str]:
    """Return the curve of influence over distance, as lines of text."""
    within = ", ".join(f"{100 * share:g} % within {distance}" for share, distance in drawn.shares)
    heads = f"{'back':>11}  {'strongest':>9}  {'of all':>7}"
    return ["", f"Of all influence lie {within} characters.", heads, *curve_rows(drawn)]


def _percent(chance: float) -> str:
    return f"{100 * chance:.0f} %" if chance >= 0.005 else f"{100 * chance:.1g} %"


@by_defaults
def html(reach: Reach) -> str:
    """Return a page that needs nothing from anywhere, with the passage and the curve."""
    return page.html(reach.highlight, _element(_curve(reach)))


@by_defaults
def svg(reach: Reach) -> str:
    """Return a picture: the passage in rows of 80 columns, and the curve below it. Its text is text."""
    return page.svg(_nearest(reach.highlight), _element(_curve(reach)), round(HIGH * 96))


@by_defaults
def png(reach: Reach, path: Path) -> set[str]:
    """Write the same as PNG; return the signs that no font here has."""
    passage, missing = picture.render(_nearest(reach.highlight))
    curve = figures.image(_curve(reach, picture.DPI))
    both = Image.new("RGB", (passage.width, passage.height + curve.height), "white")
    both.paste(passage)
    both.paste(curve, (0, passage.height))
    picture.save(both, path)
    return missing


def curve_rows(reach: Reach) -> list[str]:
    """Return the curve as rows of text: for distances that double, the strongest influence and the sum of all."""
    sizes, rows, start = list(reversed(reach.sizes)), [], 0
    total = math.fsum(sizes) or 1.0
    while start < len(sizes):
        end = min(len(sizes), 2 * start + 1)
        part = sizes[start:end]
        share = math.fsum(part) / total
        name = f"{start + 1}" if end == start + 1 else f"{start + 1}–{end}"
        rows.append(f"{name:>11}  {max(part):9.2g}  {100 * share:5.1f} %  {'█' * round(BAR * share)}".rstrip())
        start = end
    return rows


def _nearest(highlight: Highlight) -> Highlight:
    """The last rows alone, which say so where they are not all."""
    rows = list(highlight.rows(COLUMNS))
    if len(rows) <= ROWS:
        return highlight
    source = f"{highlight.source}; shown: the last {ROWS} of {len(rows):,} rows"
    return replace(highlight, source=source, cells=tuple(chain.from_iterable(rows[-ROWS:])))


def _curve(reach: Reach, dpi: int = 100) -> Figure:
    figure = new_figure(WIDE, HIGH, dpi)
    axes = figure.subplots()
    sizes = np.array(reach.sizes, np.float64)[::-1]
    distances = np.arange(1, len(sizes) + 1)
    low, width = 10.0**-DECADES / 2, max(0.6, 300 / len(sizes))
    axes.vlines(distances, low, np.maximum(sizes, 1e-300), color=OKABE_ITO["blue"], lw=width)
    for (share, distance), height in zip(reach.shares, (0.94, 0.82, 0.70), strict=False):
        axes.axvline(distance, color=OKABE_ITO["vermilion"], lw=1.4, ls="--")
        told = f" {100 * share:g} % within {distance}"
        axes.annotate(told, (distance, height), xycoords=("data", "axes fraction"), color="#A04400", size=10)
    axes.set_yscale("log")
    axes.set(ylim=(low, 2), xlim=(0, 1.12 * len(sizes) + 1))
    axes.set(xlabel="characters back", ylabel="influence, of the strongest")
    axes.grid(alpha=0.3)
    return figure


def _element(figure: Figure) -> str:
    """The figure as an SVG element, without what stands before it in a file."""
    written = figures.svg(figure)
    return written[written.index("<svg") :]
