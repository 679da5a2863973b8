"""Where a string of Python ends, by what has been read of it only; f-strings and their fields as Python 3.12 has them.

Inside the braces of an f-string stands code, which may hold strings with the same quotes, comments and line ends (PEP
701); after a colon, a format, which may hold fields again. Template strings (Python 3.14) are the same in that.
"""

PREFIXES = frozenset(("r", "b", "u", "f", "t", "rb", "br", "rf", "fr", "rt", "tr"))
_OPENER = {")": "(", "]": "[", "}": "{"}


class String:
    """A string, from behind its first quote on; it ends with its line unless it has three quotes or a backslash."""

    def __init__(self, quote: str, prefix: str = "") -> None:
        self.is_open = True
        self._quote, self._raw = quote, "r" in prefix.lower()
        self._formatted = bool({"f", "t"} & set(prefix.lower()))
        self._long = False
        self._begins = True  # nothing has been read
        self._maybe_empty = False  # closed by its second quote, which a third one undoes
        self._run = 0  # quotes read in a row, of three that close
        self._escaped = self._named = False  # the last character was a backslash, or \\N
        self._field: _Field | None = None

    def takes(self, c: str) -> bool:
        """Return whether a character is part of it, or its last quote."""
        if not self.is_open:
            return self._maybe_empty and c == self._quote
        in_line = not self._long and (self._field is None or self._field.in_format)
        return c != "\n" or self._escaped or not in_line

    def read(self, c: str) -> None:
        """Take in a character that it takes."""
        begins, self._begins = self._begins, False
        if not self.is_open:
            self.is_open = self._long = True
            self._maybe_empty, self._run = False, 0
        elif self._field is not None and not (self._field.in_format and self._ends(c)):
            if self._field.read(c):
                self._field = None
        elif self._escaped and not (self._formatted and c in "{}"):
            self._escaped, self._named = False, c == "N" and not self._raw
        elif c == "{" and self._formatted and not self._named:
            self._escaped, self._field = False, _Field()
        else:
            self._read_text(c, begins)

    def _read_text(self, c: str, begins: bool) -> None:
        self._escaped, self._named = c == "\\", False
        self._run = self._run + 1 if c == self._quote else 0
        if self._ends(c):
            self.is_open, self._maybe_empty, self._field = False, begins, None

    def _ends(self, c: str) -> bool:
        return c == self._quote and (not self._long or self._run == 3)


class _Field:
    """What stands in the braces of an f-string, from behind the first one on."""

    def __init__(self) -> None:
        self._is_format = False
        self._begins = True
        self._brackets = self._word = ""
        self._comment = False
        self._string: String | None = None
        self._field: _Field | None = None  # in its format

    @property
    def in_format(self) -> bool:
        """Whether its format is being read, and no field in that."""
        return self._is_format and self._field is None

    def read(self, c: str) -> bool:
        """Take in a character; return whether it was the last."""
        begins, self._begins = self._begins, False
        word, self._word = self._word, self._word + c if c.isalnum() or c == "_" else ""
        if self._comment:
            self._comment = c != "\n"
        elif self._string and self._string.takes(c):
            self._string.read(c)
        elif self._field:
            self._field = None if self._field.read(c) else self._field
        elif begins and c == "{":
            return True  # two braces are one that stands for itself
        elif self._is_format:
            self._field = _Field() if c == "{" else None
            return c == "}"
        else:
            return self._read_code(c, word)
        return False

    def _read_code(self, c: str, word: str) -> bool:
        self._string = String(c, word if word.lower() in PREFIXES else "") if c in "\"'" else None
        self._comment = c == "#"
        if c in "([{":
            self._brackets += c
        elif c == "}" and "{" not in self._brackets:
            return True
        elif c in _OPENER and _OPENER[c] in self._brackets:
            self._brackets = self._brackets[: self._brackets.rindex(_OPENER[c])]
        elif c == ":" and not self._brackets:
            self._is_format = True
        return False
