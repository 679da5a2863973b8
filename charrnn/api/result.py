"""Result: what a method found, as data, as text and in a notebook."""

import json
import os
from html import escape
from pathlib import Path
from typing import Any

from charrnn.files import replacing


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
        with replacing(Path(path)) as temporary:
            temporary.write_text(json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False) + "\n", "utf-8")
