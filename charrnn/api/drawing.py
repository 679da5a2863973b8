"""Results that are pictures as well: Drawing, a text in colours, and Plot, figures as curves or points."""

import os
from base64 import b64encode
from pathlib import Path
from tempfile import TemporaryDirectory

from charrnn.api.result import Result, json_text, write
from charrnn.display import page, picture, terminal
from charrnn.display.figures import form_of
from charrnn.display.highlight import Highlight
from charrnn.errors import counted
from charrnn.feedback import SILENT, Feedback
from charrnn.files import replacing

FORMS = {".html": "html", ".htm": "html", ".svg": "svg", ".png": "png", ".json": "json"}


class Picture(Result):
    """What is written as text, as a page, as a picture or as JSON."""

    def content(self, form: str) -> str:
        """Return it as "text", "html", "svg" or "json"."""
        return json_text(self.to_dict()) + "\n" if form == "json" else str(self)

    def draw(self, path: Path) -> set[str]:
        """Write it as PNG; return the signs that no font here has, drawn as �."""
        raise NotImplementedError

    def save(self, path: str | os.PathLike[str], form: str | None = None, feedback: Feedback = SILENT) -> None:
        """Write it as "html", "svg", "png", "json" or "text"; None: as the name asks, else as text.

        Raises:
            OSError: the file cannot be written.
        """
        output = Path(path)
        form = form or FORMS.get(output.suffix.lower(), "text")
        if form != "png":
            write(output, self.content(form))
            return
        with replacing(output) as temporary:
            note_missing(self.draw(temporary), feedback)


class Drawing(Picture):
    """A highlighted text, with some lines below."""

    @property
    def highlight(self) -> Highlight:
        """The text in colours."""
        raise NotImplementedError

    def __str__(self) -> str:
        return terminal.plain(self.highlight)

    def _repr_html_(self) -> str:
        return page.framed(self.highlight)

    def below(self) -> list[str]:
        """Return the lines below it."""
        return []

    def content(self, form: str) -> str:
        """Return it as "text" (marks for colours), "html", "svg" or "json"."""
        drawn = {"html": page.html, "svg": page.svg}.get(form)
        return drawn(self.highlight) if drawn else super().content(form)

    def draw(self, path: Path) -> set[str]:
        """Write it as PNG; return the signs that no font here has, drawn as �."""
        return picture.draw(self.highlight, path)


class Plot(Result):
    """What is drawn as curves or points as well."""

    def plot(self, path: Path, form: str) -> None:
        """Write the picture as "png" or "svg"."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        with TemporaryDirectory() as folder:
            path = Path(folder, "plot.svg")
            self.plot(path, "svg")
            drawn = b64encode(path.read_bytes()).decode()
        return f'<img style="max-width: 100%" src="data:image/svg+xml;base64,{drawn}">'

    def save(self, path: str | os.PathLike[str]) -> None:
        """Draw it as PNG or SVG, or write JSON, as the name asks.

        Raises:
            OSError: the file cannot be written.
        """
        output = Path(path)
        if output.suffix.lower() == ".json":
            super().save(output)
            return
        with replacing(output) as temporary:
            self.plot(temporary, form_of(output))


def note_missing(signs: set[str], feedback: Feedback) -> None:
    """Tell which signs of a picture no font here has."""
    if signs:
        some = " ".join(sorted(signs)[:10]) + (" …" if len(signs) > 10 else "")
        feedback.note(
            f"no font here has {some} ({counted(len(signs), 'sign')}), drawn as �; "
            "HTML and SVG show them with the reader's fonts"
        )
