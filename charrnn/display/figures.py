"""How figures are written: as PNG or, where the file's name asks for it, as SVG; whatever signs a font lacks."""

import io
import textwrap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from rich.cells import cell_len

from charrnn.display.drawing import Figure, rc_context
from charrnn.display.signs import one_line

_WIDE = 0.64  # of a letter's size: how wide it is, about


def form_of(name: Path) -> str:
    """Return the format that a picture's name asks for.

    >>> [form_of(Path(name)) for name in ("a.png", "a.SVG", "a")]
    ['png', 'svg', 'png']
    """
    return "svg" if name.suffix.lower() == ".svg" else "png"


def write(figure: Figure, temporary: Path, form: str = "png") -> None:
    """Write a figure of few colours to what `replacing` gives; the same figure gives the same bytes."""
    if form == "svg":
        temporary.write_text(svg(figure), "utf-8")
        return
    few_colours = image(figure).quantize(128, dither=Image.Dither.NONE)  # a third of the size
    few_colours.save(temporary, form, optimize=True)


def image(figure: Figure) -> Image.Image:
    """Return a figure as a picture."""
    drawn = io.BytesIO()
    with any_signs():
        figure.savefig(drawn, format="png")
    return Image.open(drawn).convert("RGB")


def svg(figure: Figure) -> str:
    """Return a figure as SVG, in which its text is text; the same figure gives the same."""
    written = io.StringIO()
    with any_signs(), rc_context({"svg.fonttype": "none", "svg.hashsalt": "charrnn"}):
        figure.savefig(written, format="svg", metadata={"Date": None})
    return written.getvalue()


def wrapped(title: str, inches: float, size: float = 12.0) -> str:
    """Return a title as at most six lines that fit in a figure, broken within a long path if need be.

    >>> [len(line) for line in wrapped("depth in " + "a" * 90, 8).splitlines()]
    [75, 24]
    """
    shown = one_line(title)
    wide = _WIDE * size * max(1, cell_len(shown)) / max(1, len(shown))  # a CJK sign takes two columns
    return textwrap.fill(shown, int(inches * 72 / wide), break_on_hyphens=False, max_lines=6, placeholder=" …")


@contextmanager
def any_signs() -> Iterator[None]:
    """A sign that matplotlib's font lacks, as names of many scripts have, is drawn as a box, without a warning."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")
        yield
