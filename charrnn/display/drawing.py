"""matplotlib as charrnn draws with it: by its own defaults, whatever a matplotlibrc in the current folder asks for."""

import os
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

_SETTINGS = "matplotlibrc"
if os.path.exists(_SETTINGS) and not (os.path.isfile(_SETTINGS) or os.path.isdir(_SETTINGS)):  # it would be waited for
    raise ImportError("matplotlib cannot start: its settings, matplotlibrc, are no regular file")
try:
    from matplotlib import get_data_path, rc_context, rcdefaults
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.font_manager import findSystemFonts
    from matplotlib.ft2font import FT2Font
except (ValueError, OSError) as error:  # it reads its settings as it is imported
    raise ImportError(f"matplotlib cannot start: its settings, matplotlibrc, are wrong ({error})") from None

__all__ = ["Axes", "FT2Font", "Figure", "by_defaults", "findSystemFonts", "get_data_path", "new_figure", "rc_context"]

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
