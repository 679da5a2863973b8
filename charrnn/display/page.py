"""Highlights as files: one self-contained HTML page, or an SVG picture. Every text in them is escaped."""

from base64 import b64encode
from functools import cache
from hashlib import sha256
from itertools import accumulate
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from charrnn.display import grid
from charrnn.display.colours import colour, css, ink, night, strong
from charrnn.display.grid import COLUMNS
from charrnn.display.highlight import LONGEST, Cell, Highlight
from charrnn.display.signs import is_running, one_line, runs_left

LEVELS = 40  # steps from −1 to 1 in which a page's colours are kept


def html(highlight: Highlight, curve: str = "") -> str:
    """Return a page that needs nothing from anywhere: no script, no request, its styles inside.

    It has room for the first LONGEST characters.
    `curve` is a picture as SVG that stands under the text; a page shows it as an image, whose text runs nothing.
    """
    highlight = highlight.first(room(highlight))
    style = Markup(template("style.css").render() + highlight_style())
    shown = {"highlight": highlight, "legend": legend_levels(highlight), "curve": b64encode(curve.encode()).decode()}
    return template("page.html").render(style=style, policy=policy(style, bool(curve)), **shown, **_tools())


def room(highlight: Highlight) -> int:
    """Return how many of its characters a page shows."""
    return min(LONGEST, len(highlight.cells))


def policy(style: str, images: bool = False) -> Markup:
    """Return the content-security policy of a page with this one style, images of its own or none, and nothing else."""
    digest = b64encode(sha256(style.encode()).digest()).decode()
    return Markup(f"default-src 'none'; {'img-src data:; ' if images else ''}style-src 'sha256-{digest}'")


@cache
def highlight_style() -> str:
    """Return the styles of highlights in a page."""
    steps = [2 * level / LEVELS - 1 for level in range(LEVELS + 1)]
    day, dark = ([(css(paint), css(ink(paint))) for paint in map(scale, steps)] for scale in (colour, night))
    return template("highlight.css").render(day=day, night=dark)


def text(highlight: Highlight) -> Markup:
    """Return the coloured text alone, as a part of a page that has its styles."""
    return Markup(template("highlight.html").render(highlight=highlight, **_tools()))


def legend_levels(highlight: Highlight) -> range:
    """Return the steps of colour that a legend shows."""
    return range(0 if highlight.top is None else LEVELS // 2, LEVELS + 1)


def _tools() -> dict[str, Any]:
    return {"level": _level, "percent": _percent, "runs": _runs}


def _runs(row: list[Cell]) -> bool:
    """Whether a row is set as a run, so that a browser orders and joins its letters."""
    return is_running("".join(cell.sign for cell in row))


def _letters(value: float) -> str:
    """The colour of letters on white, where a run leaves no place for a background: grey, to red or blue."""
    share, (r, g, b) = min(1.0, abs(value)), strong(0.8 if value > 0 else -0.8)
    return css((round(118 + (r - 118) * share), round(118 + (g - 118) * share), round(118 + (b - 118) * share)))


def framed(highlight: Highlight) -> str:
    """Return a frame with the page in it, for where a page of its own would mix with another, as in a notebook."""
    rows = sum(1 for _ in highlight.rows(COLUMNS)) * (1 + max((len(c.guesses) for c in highlight.cells), default=0))
    height = min(800, 220 + 24 * rows)
    return frame(html(highlight), height)


def frame(content: str, height: int) -> str:
    """Return a page in a frame of its own that runs nothing."""
    return str(Markup('<iframe sandbox srcdoc="{}" width="100%" height="{}"></iframe>').format(content, height))


def svg(highlight: Highlight, curve: str = "", curve_height: int = 0) -> str:
    """Return a picture of 80 columns, the text in the viewer's monospaced font, of as many characters as a PNG.

    `curve` is an SVG element of so many units' height that stands under the text.
    """
    highlight = highlight.first(grid.room(highlight))
    rows = [_placed(row, highlight.gutter) for row in highlight.rows(COLUMNS - highlight.gutter)]
    low, high = (-1.0, 1.0) if highlight.top is None else (0.0, highlight.top)
    return template("highlight.svg").render(
        highlight=highlight,
        rows=rows,
        guesses=max((len(cell.guesses) for cell in highlight.cells), default=0),
        columns=COLUMNS,
        curve=Markup(curve),
        curve_height=curve_height,
        legend=[low + (high - low) * step / LEVELS for step in range(LEVELS + 1)],
        paint=lambda value: css(colour(highlight.place(value))),
        ink=lambda value: css(ink(colour(highlight.place(value)))),
        letters=lambda value: _letters(highlight.place(value)),
        runs=_runs,
        left=lambda row: runs_left("".join(cell.sign for cell in row)),
    )


def _placed(row: list[Cell], gutter: int) -> list[tuple[int, Cell]]:
    """Pair each cell with the column that it begins in."""
    columns = accumulate((cell.width for cell in row[:-1]), initial=gutter)
    return list(zip(columns, row, strict=True))


def _level(highlight: Highlight, value: float) -> int:
    value = highlight.place(value)
    return round((min(1.0, max(-1.0, value)) + 1) / 2 * LEVELS)


def _percent(chance: float) -> str:
    return f"{100 * chance:.0f} %"


@cache
def template(name: str) -> Template:
    """Return a template of this room; what is put into it is escaped, and signs stand for what would not be seen."""
    loader = PackageLoader("charrnn.display")
    environment = Environment(loader=loader, autoescape=True, finalize=_seen, undefined=StrictUndefined)
    environment.trim_blocks = environment.lstrip_blocks = True
    return environment.get_template(name)


def _seen(value: Any) -> Any:
    return one_line(value) if isinstance(value, str) and not isinstance(value, Markup) else value
