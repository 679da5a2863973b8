"""Drawing: a result that is a picture as well, a text in colours with what stands below it."""

import os
from pathlib import Path

from charrnn.api.result import Result, json_text, write
from charrnn.display import page, picture, terminal
from charrnn.display.highlight import Highlight
from charrnn.errors import counted
from charrnn.feedback import SILENT, Feedback
from charrnn.files import replacing

_FORMS = {".html": "html", ".htm": "html", ".svg": "svg", ".png": "png", ".json": "json"}


class Drawing(Result):
    """What is a picture as well: a highlighted text, with some lines below."""

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
        if form == "json":
            return json_text(self.to_dict()) + "\n"
        drawn = {"html": page.html, "svg": page.svg}.get(form)
        return drawn(self.highlight) if drawn else str(self)

    def draw(self, path: Path) -> set[str]:
        """Write it as PNG; return the signs that no font here has, drawn as �."""
        return picture.draw(self.highlight, path)

    def save(self, path: str | os.PathLike[str], form: str | None = None, feedback: Feedback = SILENT) -> None:
        """Write it as "html", "svg", "png", "json" or "text"; None: as the name asks, else as text.

        Raises:
            OSError: the file cannot be written.
        """
        output = Path(path)
        form = form or _FORMS.get(output.suffix.lower(), "text")
        if form != "png":
            write(output, self.content(form))
            return
        with replacing(output) as temporary:
            note_missing(self.draw(temporary), feedback)


def note_missing(signs: set[str], feedback: Feedback) -> None:
    """Tell which signs of a picture no font here has."""
    if signs:
        some = " ".join(sorted(signs)[:10]) + (" …" if len(signs) > 10 else "")
        feedback.note(
            f"no font here has {some} ({counted(len(signs), 'sign')}), drawn as �; "
            "HTML and SVG show them with the reader's fonts"
        )
