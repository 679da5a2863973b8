"""A run as a table, and several runs side by side, with rich; readable without colour."""

from collections.abc import Iterator, Mapping, Sequence
from math import log as ln
from typing import Any

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from charrnn.display.plot import Line, best, measured, number, validated
from charrnn.display.signs import one_line

ROWS = 20
_GAP = 2  # columns between two
NOTHING = "–"


def history(log: Sequence[Line]) -> Table:
    """Return some twenty lines of a run's log as a table; the best validation is marked."""
    heads = ("step", "epoch", "time", "rate", "train\nnats", "\nbits", "val\nnats", "\nbits", "grad\nnorm", "char/s")
    table = _table(heads)
    lowest = best(log) if measured(log) else None
    for line in chosen(log, ROWS):
        mark = "*" if line is lowest else ""
        table.add_row(
            f"{line['step']:,}",
            f"{line['epoch']:.2f}",
            clock(line["seconds"]),
            f"{line['learning_rate']:.2g}",
            *_loss(line["train_nats"]),
            *_loss(line.get("val_nats"), mark),
            f"{line['grad_norm']:.2g}",
            _thousands(line["chars_per_second"]),
            style="bold" if mark else "",
        )
    return table


def names(runs: Sequence[str]) -> Iterator[Text]:
    """Yield a line for each run: its number, by which tables and pictures call it, and its name."""
    for place, name in enumerate(runs):
        yield Text(f"{number(place)}  {one_line(name)}")


def figures(runs: Sequence[Mapping[str, Any]], marked: Sequence[str]) -> Table:
    """Return the final figures of runs as a table, a run a line, the best of each figure in `marked` with a star.

    Args:
        runs: each with the keys val_nats, test_nats, parameters, steps, epochs, seconds, chars_per_second and
            budget_used; None where something is not known.
        marked: which figures may be compared; the most characters a second are best, and the least of all else.
    """
    table = _table(
        (
            "",
            "val\nnats",
            "\nbits",
            "test\nnats",
            "\nbits",
            "para-\nmeters",
            "steps",
            "epochs",
            "time",
            "char/s",
            "used",
        )
    )
    bests = {name: _best_of(runs, name) for name in marked}
    for place, run in enumerate(runs):
        star = {name: "*" for name, value in bests.items() if value is not None and run[name] == value}
        used = NOTHING if run["budget_used"] is None else f"{100 * run['budget_used']:.0f} %"
        table.add_row(
            number(place),
            *_loss(run["val_nats"], star.get("val_nats", "")),
            *_loss(run["test_nats"], star.get("test_nats", "")),
            _thousands(run["parameters"]),
            _thousands(run["steps"]),
            f"{run['epochs']:.3g}",
            clock(run["seconds"]),
            _thousands(run["chars_per_second"]) + star.get("chars_per_second", ""),
            used,
        )
    return table


def settings(values: Mapping[str, Sequence[Any]], width: int = 80) -> Iterator[Table]:
    """Yield tables of runs' settings, a setting a line and a run a column, each as wide as there is room for.

    `values` holds for each setting those of the runs, in order. What is wider than a third of the room is folded.
    """
    columns = [
        [_told(of_runs[place]) for of_runs in values.values()] for place in range(len(next(iter(values.values()))))
    ]
    widths = [min(width // 3, max(map(cell_len, column))) + _GAP for column in columns]
    names = [one_line(name) for name in values]
    room, start = width - max(map(cell_len, names)) - _GAP, 0
    while start < len(columns):
        end = start + 1
        while end < len(columns) and sum(widths[start : end + 1]) <= room:
            end += 1
        table = _table(("", *map(number, range(start, end))), names=1)
        for column, wide in zip(table.columns[1:], widths[start:end], strict=True):
            column.no_wrap, column.overflow, column.max_width = False, "fold", wide - _GAP
        for row, name in enumerate(names):
            table.add_row(name, *(columns[place][row] for place in range(start, end)))
        yield table
        start = end


def chosen(log: Sequence[Line], count: int) -> list[Line]:
    """Return at most so many lines of a log, spread over it: its validations where there are some, and the best one."""
    lines = measured(log) if validated(log) else list(log)
    places = {round(place * (len(lines) - 1) / max(1, count - 1)) for place in range(count)}
    if measured(log) and len(lines) > count:
        lowest = lines.index(best(log))
        places = places - {min(places - {0, len(lines) - 1}, key=lambda place: abs(place - lowest))} | {lowest}
    return [lines[place] for place in sorted(places)]


def clock(seconds: float) -> str:
    """Return a time as people write it.

    >>> clock(7.25), clock(187), clock(7384)
    ('7.2s', '3:07', '2:03:04')
    """
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"


def _table(heads: Sequence[str], names: int = 0) -> Table:
    """A table of figures, after so many columns of names; where it is too narrow, names fold and figures are cut."""
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="")
    for place, head in enumerate(heads):
        if place < names:
            table.add_column(head, overflow="fold", vertical="bottom")
        else:
            table.add_column(head, justify="right", no_wrap=True)
    return table


def _told(value: Any) -> str:
    """A setting as people write it."""
    return NOTHING if value is None else f"{value:.6g}" if isinstance(value, float) else one_line(str(value))


def _loss(nats: float | None, mark: str = "") -> tuple[str, str]:
    """In nats and in bits."""
    return (NOTHING, NOTHING) if nats is None else (f"{nats:.3f}{mark}", f"{nats / ln(2):.3f}")


def _thousands(count: float | None) -> str:
    if count is None:
        return NOTHING
    return f"{count / 1e6:.2f}M" if count >= 1e6 else f"{count / 1000:.0f}k" if count >= 10_000 else f"{count:,.0f}"


def _best_of(runs: Sequence[Mapping[str, Any]], name: str) -> float | None:
    """The best value of a figure; None where fewer than two runs have it."""
    known = [run[name] for run in runs if run[name] is not None]
    return None if len(known) < 2 else max(known) if name == "chars_per_second" else min(known)
