"""How figures are written: as PNG or, where the file's name asks for it, as SVG; whatever signs a font lacks."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from charrnn.display.drawing import Figure, rc_context


def form_of(name: Path) -> str:
    """Return the format that a picture's name asks for.

    >>> [form_of(Path(name)) for name in ("a.png", "a.SVG", "a")]
    ['png', 'svg', 'png']
    """
    return "svg" if name.suffix.lower() == ".svg" else "png"


def write(figure: Figure, path: Path, form: str = "png") -> None:
    """Write a figure of few colours; the same figure gives the same bytes."""
    if form == "svg":
        path.write_text(svg(figure), "utf-8")
        return
    drawn = io.BytesIO()
    with any_signs():
        figure.savefig(drawn, format=form)
    few_colours = Image.open(drawn).convert("RGB").quantize(128, dither=Image.Dither.NONE)  # a third of the size
    few_colours.save(path, form, optimize=True)


def svg(figure: Figure) -> str:
    """Return a figure as SVG, in which its text is text; the same figure gives the same."""
    written = io.StringIO()
    with any_signs(), rc_context({"svg.fonttype": "none", "svg.hashsalt": "charrnn"}):
        figure.savefig(written, format="svg", metadata={"Date": None})
    return written.getvalue()


@contextmanager
def any_signs() -> Iterator[None]:
    """A sign that matplotlib's font lacks, as names of many scripts have, is drawn as a box, without a warning."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")
        yield
