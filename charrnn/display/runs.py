"""A run, and several side by side, as a person reads them: heading, table, curve, samples."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Console

from charrnn.display import tables
from charrnn.display.plot import plot, plot_together
from charrnn.display.signs import one_line
from charrnn.display.terminal import Terminal

WIDTH, HEIGHT = 80, 16  # of a curve at most

Log = Sequence[Mapping[str, Any]]


def show_history(
    heading: Sequence[str], log: Log, samples: Sequence[tuple[str, str]], console: Console | None = None
) -> None:
    """Write a run: its heading, its figures, its loss curve, and samples, each under its own heading."""
    console = console or Terminal()
    for line in heading:
        console.print(one_line(line), soft_wrap=True)
    console.print()
    console.print(tables.history(log))
    console.print()
    for row in plot(log, min(console.width, WIDTH), HEIGHT):
        console.print(row, soft_wrap=True)
    for title, text in samples:
        console.print()
        console.print(title, style="bold", soft_wrap=True)
        console.print(text, soft_wrap=True)  # a Text would drop a bell


def show_comparison(
    named: Sequence[str],
    logs: Sequence[Log],
    rows: Sequence[Mapping[str, Any]],
    marked: Sequence[str],
    differing: Mapping[str, Sequence[Any]],
    console: Console | None = None,
) -> None:
    """Write runs side by side: names, figures with the best marked, settings that differ, loss curves."""
    console = console or Terminal()
    for line in tables.names(named):
        console.print(line, soft_wrap=True)
    console.print()
    console.print(tables.figures(rows, marked))
    console.print()
    for place, table in enumerate(tables.settings(differing, console.width) if differing else ()):
        console.print("Settings that differ:" if place == 0 else "")
        console.print(table)
    if len(logs) > 1:
        console.print("" if differing else "All settings are the same.\n")
        for row in plot_together(logs, min(console.width, WIDTH)):
            console.print(row, soft_wrap=True)


def as_text(show: Callable[..., None], *arguments: Any) -> str:
    """Return what a function of this module writes, in 80 columns and without colours."""
    console = Terminal(width=WIDTH, color_system=None, force_terminal=False)
    with console.capture() as captured:
        show(*arguments, console)
    return captured.get().removesuffix("\n")
