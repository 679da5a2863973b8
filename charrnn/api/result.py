"""Result: what a method found, as data, as text, in a notebook, as a file."""

import json
import os
from html import escape
from pathlib import Path
from typing import Any

from charrnn.files import replacing


def json_text(value: Any, indent: int | None = None) -> str:
    r"""Return a value as JSON that is read easily and that drives no terminal: what is not printable is escaped.

    >>> print(json_text({"é": "\x1b\x9b\u202e"}))
    {"é": "\u001b\u009b\u202e"}
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    lines = text.split("\n")  # a newline in a string is escaped already
    return "\n".join(line if line.isprintable() else "".join(map(_escaped, line)) for line in lines)


def _escaped(character: str) -> str:
    return character if character.isprintable() else json.dumps(character)[1:-1]


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
        write(Path(path), json_text(self.to_dict()) + "\n")


def write(path: Path, content: str) -> None:
    """Write a file of text, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(content, "utf-8")
