"""Highlights as files: one self-contained HTML page, or an SVG picture. Every text in them is escaped."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from charrnn.display.colours import colour, css, ink
from charrnn.display.highlight import Cell, Highlight

LEVELS = 40  # steps from −1 to 1 in which a page's colours are kept
SVG_COLUMNS = 80


def html(highlight: Highlight, below: Markup | None = None) -> str:
    """Return a page that needs nothing from anywhere: no script, no request, its styles inside.

    `below` is markup that stands under the text.
    """
    paints = [colour(2 * level / LEVELS - 1) for level in range(LEVELS + 1)]
    styles = [(css(paint), css(ink(paint))) for paint in paints]
    return _template("highlight.html").render(
        highlight=highlight, below=below or "", styles=styles,
        level=lambda value: _level(highlight.place(value)), percent=_percent,
        legend=range(0 if highlight.top is None else LEVELS // 2, LEVELS + 1),
    )  # fmt: skip


def framed(highlight: Highlight) -> str:
    """Return a frame with the page in it, for where a page of its own would mix with another, as in a notebook."""
    rows = sum(1 for _ in highlight.rows(SVG_COLUMNS)) * (1 + max((len(c.guesses) for c in highlight.cells), default=0))
    height = min(800, 220 + 24 * rows)
    return str(Markup('<iframe sandbox srcdoc="{}" width="100%" height="{}"></iframe>').format(html(highlight), height))


def svg(highlight: Highlight) -> str:
    """Return a picture of 80 columns, the text in the viewer's monospaced font."""
    rows = list(highlight.rows(SVG_COLUMNS))
    low, high = (-1.0, 1.0) if highlight.top is None else (0.0, highlight.top)
    guesses = max((len(cell.guesses) for cell in highlight.cells), default=0)
    return _template("highlight.svg").render(
        highlight=highlight, rows=[_placed(row) for row in rows], guesses=guesses, columns=SVG_COLUMNS,
        legend=[low + (high - low) * step / LEVELS for step in range(LEVELS + 1)],
        paint=lambda value: css(colour(highlight.place(value))),
        ink=lambda value: css(ink(colour(highlight.place(value)))),
    )  # fmt: skip


def _placed(row: list[Cell]) -> list[tuple[int, Cell]]:
    """Pair each cell with the column that it begins in."""
    columns = [sum(cell.width for cell in row[:index]) for index in range(len(row))]
    return list(zip(columns, row, strict=True))


def _level(value: float) -> int:
    return round((min(1.0, max(-1.0, value)) + 1) / 2 * LEVELS)


def _percent(chance: float) -> str:
    return f"{100 * chance:.0f} %"


@cache
def _template(name: str) -> Template:
    loader = PackageLoader("charrnn.display")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(name)
