"""Gaze: where in a picture a model looked while it wrote each symbol, and each word, of its answer."""

import io
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from markupsafe import Markup
from PIL import Image

from charrnn.display import figures, page
from charrnn.display.alignment import END, names_of
from charrnn.display.colours import css, strong
from charrnn.display.drawing import by_defaults, new_figure
from charrnn.display.signs import one_line

_PAINT = strong(0.8)
_OPAQUE = 0.75  # of the paint over the cell that got most
_MARKS = " ▁▂▃▄▅▆▇█"
_FINEST = 16  # rows and columns of cells that the terminal shows
_COLUMNS = 80
_SIDE, _BESIDE = 160, 5  # of a picture in SVG, and how many stand in a row


class Look(NamedTuple):
    """A symbol or a word of an answer, and the weights [h·w] of the cells while it was written."""

    name: str
    weights: tuple[float, ...]

    @property
    def most(self) -> float:
        """The largest weight, which the strongest colour stands for."""
        return max(self.weights)

    @property
    def shares(self) -> list[float]:
        """The weights as shares of the largest one."""
        return [weight / max(1e-9, self.most) for weight in self.weights]


@dataclass(frozen=True)
class Gaze:
    """The T symbols of an answer about a picture of h × w cells, and the weights [T][h·w], each row of sum 1."""

    title: str
    question: str  # about the picture; none: ""
    output: tuple[str, ...]
    weights: tuple[tuple[float, ...], ...]
    answer: str
    cells: tuple[int, int]
    kind: str  # of the symbols: character, spaced or label
    picture: bytes  # as PNG; none: b""

    @property
    def symbols(self) -> list[Look]:
        """A look for each symbol."""
        return [Look(name, row) for name, row in zip(names_of(self.output), self.weights, strict=True)]

    @property
    def words(self) -> list[Look]:
        """A look for each word: the mean of the weights of its symbols."""
        if self.kind != "character":
            return [look for look in self.symbols if look.name != END]
        pairs = zip(self.output, self.weights, strict=True)
        groups = groupby(pairs, key=lambda pair: pair[0] not in (" ", END))
        return [_word([*group]) for inside, group in groups if inside]

    @property
    def heading(self) -> str:
        """What was asked, and answered."""
        return one_line(f"{self.question} {self.answer}" if self.question else self.answer)


def _word(group: list[tuple[str, tuple[float, ...]]]) -> Look:
    columns = zip(*(weights for _, weights in group), strict=True)
    return Look(one_line("".join(symbol for symbol, _ in group)), tuple(sum(column) / len(group) for column in columns))


def text(gaze: Gaze) -> str:
    """Return the cells for each word as rows of marks, several words side by side in 80 columns."""
    h, w = gaze.cells
    step = max(1, -(-max(h, w) // _FINEST))
    wide = max(-(-w // step), 12) + 3
    lines = [one_line(gaze.title), gaze.heading, ""]
    looks, beside = gaze.words, max(1, _COLUMNS // wide)
    for begin in range(0, len(looks), beside):
        some = looks[begin : begin + beside]
        lines.append("".join(f"{look.name[: wide - 1]:<{wide}}" for look in some).rstrip())
        blocks = [list(_marked(look, gaze.cells, step)) for look in some]
        lines += ["".join(f"{row:<{wide}}" for row in rows).rstrip() for rows in zip(*blocks, strict=True)]
        lines += ["".join(f"{f'most {look.most:.2f}':<{wide}}" for look in some).rstrip(), ""]
    return "\n".join(lines[:-1])


def _marked(look: Look, cells: tuple[int, int], step: int) -> Iterator[str]:
    """A row of marks in a frame for each row of cells; of several cells together, the largest counts."""
    h, w = cells
    shares = look.shares
    for y in range(0, h, step):
        row = [
            max(shares[i * w + j] for i in range(y, min(h, y + step)) for j in range(x, min(w, x + step)))
            for x in range(0, w, step)
        ]
        yield "│" + "".join(_MARKS[round(share * (len(_MARKS) - 1))] for share in row) + "│"


def html(gaze: Gaze) -> str:
    """Return a page without scripts: the picture, on which a symbol that is pointed at shows its weights; all words."""
    style = page.template("style.css").render() + page.template("gaze.css").render()
    return page.template("gaze.html").render(
        gaze=gaze,
        picture=_data(gaze),
        style=Markup(style),
        policy=page.policy(style, images=True),
        overlay=lambda look: _overlay(look, gaze.cells, 1.0),
        words=Markup(svg(gaze, heading=False)),
    )


def svg(gaze: Gaze, heading: bool = True) -> str:
    """Return a picture for each word, with the weights over it."""
    looks, above = gaze.words, 46 if heading else 0
    rows = -(-max(1, len(looks)) // _BESIDE)
    return page.template("gaze.svg").render(
        gaze=gaze,
        heading=heading,
        picture=_data(gaze),
        side=_SIDE,
        width=_BESIDE * (_SIDE + 12),
        height=above + rows * (_SIDE + 40),
        placed=[
            (i % _BESIDE * (_SIDE + 12), above + i // _BESIDE * (_SIDE + 40), look) for i, look in enumerate(looks)
        ],
        overlay=lambda look: _overlay(look, gaze.cells, _SIDE),
    )


def _data(gaze: Gaze) -> str:
    return b64encode(gaze.picture).decode()


def _overlay(look: Look, cells: tuple[int, int], side: float) -> Markup:
    """Rectangles over a square picture, the stronger the more weight a cell has."""
    h, w = cells
    parts = [
        f'<rect x="{i % w * side / w:.4g}" y="{i // w * side / h:.4g}" width="{side / w:.4g}" height="{side / h:.4g}" '
        f'fill="{css(_PAINT)}" fill-opacity="{_OPAQUE * share:.3f}"/>'
        for i, share in enumerate(look.shares)
        if share > 0.005
    ]
    return Markup("".join(parts))


@by_defaults
def draw(gaze: Gaze, path: Path) -> None:
    """Write a PNG: a picture for each word, with the weights over it."""
    looks, beside = gaze.words, _BESIDE
    rows = -(-max(1, len(looks)) // beside)
    figure = new_figure(1.7 * beside, 2.0 * rows + 0.6, dpi=150)
    figure.suptitle(figures.wrapped(gaze.heading, 1.7 * beside), fontsize=11)
    axes = figure.subplots(rows, beside, squeeze=False)
    for axis, look in zip(axes.flat, looks, strict=False):
        if gaze.picture:
            axis.imshow(
                Image.open(io.BytesIO(gaze.picture)).convert("RGB"), extent=(0, 1, 1, 0), interpolation="bilinear"
            )
        h, w = gaze.cells
        paint = [
            [(*(part / 255 for part in _PAINT), _OPAQUE * share) for share in look.shares[y * w : (y + 1) * w]]
            for y in range(h)
        ]
        axis.imshow(paint, extent=(0, 1, 1, 0), interpolation="nearest")
        axis.set_title(f"{look.name}\nmost {look.most:.2f}", fontsize=8)
    for axis in axes.flat:
        axis.axis("off")
    figures.image(figure).save(path, "png", optimize=True)
