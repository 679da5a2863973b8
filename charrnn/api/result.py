"""Result: what a method found, as data, as text, in a notebook, as a file; Drawing: one that is a picture, too."""

import json
import os
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charrnn.files import replacing

if TYPE_CHECKING:
    from charrnn.display.highlight import Highlight

_FORMS = {".html": "html", ".htm": "html", ".svg": "svg", ".png": "png", ".json": "json"}


def json_text(value: Any) -> str:
    r"""Return a value as JSON that is read easily and that drives no terminal: what is not printable is escaped.

    >>> print(json_text({"é": "\x1b\x9b\u202e"}))
    {"é": "\u001b\u009b\u202e"}
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return text if text.isprintable() else "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


class Result:
    """What a method found. `str()` gives what the terminal shows, `to_dict()` what `--json` prints."""

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it: dicts, lists, strings, numbers, truth values and None."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it as JSON.

        Raises:
            OSError: the file cannot be written.
        """
        _write(Path(path), json_text(self.to_dict()) + "\n")


class Drawing(Result):
    """What is a picture as well: a highlighted text, with some lines below."""

    @property
    def highlight(self) -> "Highlight":
        """The text in colours."""
        raise NotImplementedError

    def below(self) -> list[str]:
        """Return the lines below it."""
        return []

    def content(self, form: str) -> str:
        """Return it as "text" (marks for colours), "html", "svg" or "json"."""
        return json_text(self.to_dict()) + "\n" if form == "json" else str(self)

    def draw(self, path: Path) -> None:
        """Write it as PNG."""
        raise NotImplementedError

    def save(self, path: str | os.PathLike[str], form: str | None = None) -> None:
        """Write it as "html", "svg", "png", "json" or "text"; None: as the name asks, else as text.

        Raises:
            OSError: the file cannot be written.
        """
        output = Path(path)
        form = form or _FORMS.get(output.suffix.lower(), "text")
        if form != "png":
            _write(output, self.content(form))
            return
        with replacing(output) as temporary:
            self.draw(temporary)


def _write(path: Path, content: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(content, "utf-8")
