"""The loss curves of runs in the terminal: dots and marks that need no colour, on any background."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import log as ln
from typing import Any

import numpy as np
from rich.text import Text

Line = Mapping[str, Any]

LATE = 0.05  # of a run; the picture's window holds all losses from there on, and cuts off the steep beginning
SPIKE = 10  # a loss so many times as far above the lowest as 95 % of all lie is left out of the window as well

_BRAILLE = 0x2800  # the sign with no dots; the bits of the others, by column and by row from above
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_VAL, _BEST, _ABOVE = "o", "X", "↑"
_NUMBERS = "123456789abcdefghijklmnopqrstuvwxyz"  # of runs
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
    lowest, usual = min(losses), float(np.quantile(losses, 0.95))
    highest = max(loss for loss in losses if loss <= lowest + SPIKE * (usual - lowest))
    room = max(0.05 * (highest - lowest) or 0.1, 1e-6 * (1 + highest))  # that floating point still tells
    return max(0.0, lowest - room), highest + room


def plot(log: Sequence[Line], width: int = 80, height: int = 16) -> Iterator[Text]:
    """Yield the lines of a picture: the training loss as a line of dots, each validation as a mark.

    Nats per character stand at the left, bits at the right, steps below. `width` holds all of it.
    """
    columns, (low, high) = max(_LEAST, width - 2 * _MARGIN - 2), window([log])
    legend = "⠒⠒ train" + (f"   {_VAL} validation   {_BEST} best" if measured(log) else "")
    cells, last = _cells(log, columns, height, low, high), f"{log[-1]['step']:,}"
    yield from _framed(cells, (low, high), legend, "step", last, bold=_VAL + _BEST)


def plot_together(logs: Sequence[Sequence[Line]], width: int = 80, height: int = 12) -> Iterator[Text]:
    """Yield the lines of a picture of several runs over time: each validation stands as its run's number.

    Where a run was hardly validated, the training losses of all stand there. `width` holds all of it.
    """
    name = "val_nats" if all(map(validated, logs)) else "train_nats"
    drawn = [[{key: line[key] for key in ("step", "seconds", name)} for line in log if name in line] for log in logs]
    columns, (low, high) = max(_LEAST, width - 2 * _MARGIN - 2), window(drawn)
    last = max(log[-1]["seconds"] for log in drawn)
    cells = [[" "] * columns for _ in range(height)]
    for place, log in enumerate(drawn):
        for line in log:
            row = int((high - line[name]) / (high - low) * height)
            if 0 <= row < height:
                cells[row][min(columns - 1, int(line["seconds"] / max(1e-9, last) * columns))] = number(place)
    legend = "validation loss" if name == "val_nats" else "training loss"
    yield from _framed(cells, (low, high), legend, "time", f"{last:,.0f} s")


def number(place: int) -> str:
    """Return the sign that stands for a run among several: 1 to 9, then a to z.

    >>> number(0), number(9)
    ('1', 'a')
    """
    return _NUMBERS[place % len(_NUMBERS)]


def shown(log: Sequence[Line]) -> list[Line]:
    """Return the lines of a log that are drawn where there are several runs, with the one loss that is."""
    lines, other = (measured(log), "train_nats") if validated(log) else (log, "val_nats")
    return [{**line, other: None} for line in lines]


def _framed(
    cells: Sequence[Sequence[str]], window: tuple[float, float], legend: str, axis: str, last: str, bold: str = ""
) -> Iterator[Text]:
    """The picture's signs within its axes; those to be bold are named."""
    (low, high), height, columns = window, len(cells), len(cells[0])
    yield Text(f"{'nats':<{_MARGIN}} {legend:^{columns}} {'bits':>{_MARGIN}}".rstrip())
    for row, signs in enumerate(cells):
        value = high - (row + 0.5) / height * (high - low)
        told = row % 3 == 0
        left, right = (f"{value:.2f}", f"{value / ln(2):.2f}") if told else ("", "")
        line = Text(f"{left:>{_MARGIN - 1}} {'┤' if told else '│'}")
        for cell in signs:
            line.append(cell, style="bold" if cell in bold else "")
        yield line.append(f"{'├' if told else '│'} {right:<{_MARGIN - 1}}".rstrip())
    yield Text(f"{'':{_MARGIN}}└{'─' * columns}┘")
    yield Text(f"{axis:>{_MARGIN - 1}}  0{last:>{columns - 1}}")


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
        if row < 0 and line["step"] >= LATE * log[-1]["step"]:
            row, mark = 0, _ABOVE
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
