"""matplotlib as charrnn draws with it: by its own defaults, whatever a matplotlibrc asks for.

matplotlib reads its settings as it is imported, those in the current folder before all others. The command line, which
is a process of its own, wants none: a file may be wrong, or a pipe that is waited for. In a Python program they are
that program's, whose own pictures follow them.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

_IN_FOLDER = "matplotlibrc"


@contextmanager
def _none_in_folder() -> Iterator[None]:
    """Hide the settings in the current folder where none are wanted: no variable has matplotlib pass them by."""
    exists: Any = os.path.exists
    if os.environ.get("MATPLOTLIBRC") == os.devnull:
        os.path.exists = lambda path: path != _IN_FOLDER and exists(path)
    try:
        yield
    finally:
        os.path.exists = exists


try:
    with _none_in_folder():
        from matplotlib import get_data_path, rc_context, rcdefaults
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.font_manager import findSystemFonts
    from matplotlib.ft2font import FT2Font
except (ValueError, OSError) as error:
    raise ImportError(f"matplotlib cannot start: its settings, matplotlibrc, are wrong ({error})") from None

__all__ = [
    "Axes",
    "FT2Font",
    "Figure",
    "by_defaults",
    "findSystemFonts",
    "get_data_path",
    "new_figure",
    "rc_context",
]

P = ParamSpec("P")
T = TypeVar("T")


def new_figure(width: float, height: float, dpi: int = 100) -> Figure:
    """Return an empty figure of so many inches, whose parts make room for each other."""
    figure = Figure(figsize=(width, height), dpi=dpi, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def by_defaults(draw: Callable[P, T]) -> Callable[P, T]:
    """Let a function draw by matplotlib's defaults: settings may ask for LaTeX, which may be missing and runs files."""

    @wraps(draw)
    def drawn(*arguments: P.args, **options: P.kwargs) -> T:
        with rc_context():
            rcdefaults()
            return draw(*arguments, **options)

    return drawn
