"""What a unit might track in Python, told by one scanner that, unlike `tokenize`, never looks ahead or gives up.

The tests hold it against `tokenize` on the standard library.
"""

from charrnn.neurons.features.feature import Feature, Scanner, column

_OPENER = {")": "(", "]": "[", "}": "{"}
_CONDITIONS = ("if", "elif", "while", "for")
_NEVER_IN_BRACKETS = ("def", "class", "import", "return")
_PREFIXES = ("r", "b", "u", "f", "rb", "br", "rf", "fr")


class PythonScanner(Scanner):
    """Where a text of Python stands, by what has been read of it only, so that any beginning of a text scans alike.

    A string runs from its first quote to before its last, as far as that is known by then: after two quotes it may
    be empty. It ends with its line unless it has three quotes or a backslash carries it on. Where a line begins with a
    word that stands in no brackets (def, class, import, return), all open ones are taken for unbalanced and closed. The
    code inside the braces of an f-string counts as string.
    """

    COLUMNS = ("comment", "string", "comment_or_string", "docstring", "(", "[", "{", "condition")

    def __init__(self) -> None:
        self._quote = ""  # what would end what is open: one quote, three, or "\n" for a comment
        self._escaped = False
        self._run = 0  # quotes read in a row, of three that close
        self._opened = False  # by the last character
        self._empty = ""  # the quote of an empty string that the last character closed
        self._before = ""
        self._word = ""  # the word that is being read
        self._word_begins_line = False
        self._line_begins = True
        self._statement_begins = True
        self._docstring = False
        self._condition = False
        self._colon_ended = False  # whether the last colon ended a condition
        self._brackets = ""
        self._depths = (0, 0, 0)

    def place(self) -> tuple[float, ...]:
        """Return where the scanner stands, as COLUMNS says."""
        comment = self._quote == "\n"
        string = bool(self._quote) and not comment
        return (comment, string, bool(self._quote), string and self._docstring, *self._depths, self._condition)

    def read(self, character: str) -> None:
        """Take in the next character."""
        (empty, self._empty), (opened, self._opened) = (self._empty, ""), (self._opened, False)
        if self._escaped:
            self._escaped = False
        elif len(self._quote) == 3:
            self._read_long_string(character)
        elif self._quote == "\n":
            if character == "\n":
                self._quote = self._before = ""  # a backslash does not carry a comment on
                self._read_code(character)
        elif self._quote:
            self._read_short_string(character, opened)
        elif character == empty:
            self._quote, self._run = 3 * character, 0
        else:
            self._read_code(character)
        self._before = character

    def _read_long_string(self, c: str) -> None:
        self._escaped = c == "\\"
        self._run = self._run + 1 if c == self._quote[0] else 0
        if self._run == 3:
            self._quote = ""

    def _read_short_string(self, c: str, opened: bool) -> None:
        self._escaped = c == "\\"
        if c == self._quote:
            self._empty = c if opened else ""
            self._quote = ""
        elif c == "\n":
            self._quote = ""
            self._read_code(c)

    def _read_code(self, c: str) -> None:
        if c.isalnum() or c == "_":
            self._word_begins_line = self._line_begins or (self._word_begins_line and bool(self._word))
            self._word += c
            self._line_begins = False
            return
        self._end_word(c)
        if c == "#":
            self._quote = "\n"
        elif c == "\n":
            self._end_line()
        elif not c.isspace():
            self._read_sign(c)
            self._statement_begins = self._line_begins = False

    def _end_word(self, after: str) -> None:
        word, self._word = self._word, ""
        if not word or (after in "\"'" and word.lower() in _PREFIXES):
            return
        if self._word_begins_line and word in _NEVER_IN_BRACKETS:
            self._set_brackets("")
        self._condition = self._condition or (self._statement_begins and word in _CONDITIONS)
        self._statement_begins = self._statement_begins and word == "async"

    def _end_line(self) -> None:
        self._line_begins = True
        if not self._brackets and self._before != "\\":
            self._statement_begins, self._condition = True, False

    def _read_sign(self, c: str) -> None:
        if c in "\"'":
            self._docstring = self._statement_begins
            self._quote, self._opened, self._run = c, True, 0
        elif c in "([{":
            self._set_brackets(self._brackets + c)
        elif c in _OPENER and _OPENER[c] in self._brackets:
            self._set_brackets(self._brackets[: self._brackets.rindex(_OPENER[c])])
        elif c == ":" and not self._brackets:
            self._condition, self._colon_ended = False, self._condition
        elif c == "=" and self._before == ":" and not self._brackets:
            self._condition = self._colon_ended  # := goes on with it

    def _set_brackets(self, brackets: str) -> None:
        self._brackets = brackets
        self._depths = brackets.count("("), brackets.count("["), brackets.count("{")


def _feature(name: str, sentence: str, of: str, binary: bool = True) -> Feature:
    return Feature(f"python_{name}", sentence, binary, column(PythonScanner, of), "python")


PYTHON_SOURCE = (
    _feature("comment", "inside a comment of Python source", "comment"),
    _feature("string", "inside a string of Python source", "string"),
    _feature("comment_or_string", "inside a comment or string of Python source", "comment_or_string"),
    _feature("docstring", "inside a string that begins a statement", "docstring"),
    _feature("parenthesis_depth", "parentheses open in Python source", "(", binary=False),
    _feature("bracket_depth", "square brackets open in Python source", "[", binary=False),
    _feature("brace_depth", "braces open in Python source", "{", binary=False),
    _feature("if_condition", "between if, elif, while or for and the colon", "condition"),
)
