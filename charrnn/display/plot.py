"""The loss curve of a run in the terminal: dots and marks that need no colour, on any background."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import log as ln
from typing import Any

import numpy as np
from rich.text import Text

Line = Mapping[str, Any]

LATE = 0.05  # of a run; the picture's window holds all losses from there on, and cuts off the steep beginning

_BRAILLE = 0x2800  # the sign with no dots; the bits of the others, by column and by row from above
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_VAL, _BEST = "o", "X"
_MARGIN = 6  # columns of a figure at either side
_LEAST = 34  # columns between them: what the legend takes


def measured(log: Sequence[Line]) -> list[Line]:
    """Return the lines that have a validation loss."""
    return [line for line in log if line.get("val_nats") is not None]


def validated(log: Sequence[Line]) -> bool:
    """Tell whether there are validations enough to make a curve."""
    return len(measured(log)) > 2


def best(log: Sequence[Line]) -> Line:
    """Return the line with the lowest validation loss; there must be one."""
    return min(measured(log), key=lambda line: line["val_nats"])


def window(logs: Iterable[Sequence[Line]]) -> tuple[float, float]:
    """Return the lowest and the highest loss that a picture of the runs should show, with some room."""
    late = [line for log in logs for line in log if line["step"] >= LATE * log[-1]["step"]]
    losses = [line[name] for line in late for name in ("train_nats", "val_nats") if line.get(name) is not None]
    room = 0.05 * (max(losses) - min(losses)) or 0.1
    return max(0.0, min(losses) - room), max(losses) + room


def plot(log: Sequence[Line], width: int = 80, height: int = 16) -> Iterator[Text]:
    """Yield the lines of a picture: the training loss as a line of dots, each validation as a mark.

    Nats per character stand at the left, bits at the right, steps below. `width` holds all of it.
    """
    columns, (low, high) = max(_LEAST, width - 2 * _MARGIN - 2), window([log])
    legend = "⠒⠒ train" + (f"   {_VAL} validation   {_BEST} best" if measured(log) else "")
    yield Text(f"{'nats':<{_MARGIN}} {legend:^{columns}} {'bits':>{_MARGIN}}".rstrip())
    cells = _cells(log, columns, height, low, high)
    for row in range(height):
        value = high - (row + 0.5) / height * (high - low)
        shown = row % 3 == 0
        left, right = (f"{value:.2f}", f"{value / ln(2):.2f}") if shown else ("", "")
        line = Text(f"{left:>{_MARGIN - 1}} {'┤' if shown else '│'}")
        for cell in cells[row]:
            line.append(cell, style="bold" if cell in (_VAL, _BEST) else "")
        yield line.append(f"{'├' if shown else '│'} {right:<{_MARGIN - 1}}".rstrip())
    last = f"{log[-1]['step']:,}"
    yield Text(f"{'':{_MARGIN}}└{'─' * columns}┘")
    yield Text(f"{'step':>{_MARGIN - 1}}  0{last:>{columns - 1}}")


def _cells(log: Sequence[Line], columns: int, height: int, low: float, high: float) -> list[list[str]]:
    """The picture's signs, row by row: four dots a sign from above to below, two from left to right."""
    rows = [[0] * columns for _ in range(height)]
    for x, ys in enumerate(_trace(log, 2 * columns, 4 * height, low, high)):
        for y in ys:
            rows[y // 4][x // 2] |= _DOTS[x % 2][y % 4]
    cells = [[chr(_BRAILLE + bits) if bits else " " for bits in row] for row in rows]
    marks = [(line, _VAL) for line in measured(log)] + ([(best(log), _BEST)] if measured(log) else [])
    for line, mark in marks:
        row = int((high - line["val_nats"]) / (high - low) * height)
        if 0 <= row < height:
            cells[row][min(columns - 1, int(line["step"] / log[-1]["step"] * columns))] = mark
    return cells


def _trace(log: Sequence[Line], wide: int, tall: int, low: float, high: float) -> Iterator[range]:
    """Yield for each column of dots those that the training loss passes through, counted from above."""
    steps, losses = ([line[name] for line in log] for name in ("step", "train_nats"))
    places = (np.arange(wide) + 0.5) / wide * log[-1]["step"]
    depths = np.floor((high - np.interp(places, steps, losses)) / (high - low) * tall)
    dots = np.clip(depths, -1, tall).astype(int).tolist()  # beyond the picture: just outside it
    before = dots[0]
    for place, dot in zip(places + places[0], dots, strict=True):  # where each column ends
        first, last = sorted((before, dot))
        yield range(max(0, first), min(tall, last + 1)) if place >= steps[0] else range(0)
        before = dot
