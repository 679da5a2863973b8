"""What a unit might track in Python, told by one scanner that, unlike `tokenize`, never looks ahead or gives up.

The tests hold it against `tokenize` on the standard library.
"""

from charrnn.neurons.features.feature import Feature, Scanner, column
from charrnn.neurons.features.python_strings import PREFIXES, String

_OPENER = {")": "(", "]": "[", "}": "{"}
_CONDITIONS = ("if", "elif", "while", "for")
_NEVER_IN_BRACKETS = ("def", "class", "import", "return")


class PythonScanner(Scanner):
    """Where a text of Python stands, by what has been read of it only, so that any beginning of a text scans alike.

    A string runs from its first quote to before its last, as far as that is known by then: after two quotes it may
    be empty. Where a line begins with a word that stands in no brackets (def, class, import, return), all open ones are
    taken for unbalanced and closed. The code inside the braces of an f-string counts as string.
    """

    COLUMNS = ("comment", "string", "comment_or_string", "docstring", "(", "[", "{", "condition")

    def __init__(self) -> None:
        self._comment = False
        self._string: String | None = None
        self._before = ""
        self._word = ""  # the word that is being read
        self._prefix = ""  # of the string that begins
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
        string = self._string is not None and self._string.is_open
        comment, docstring = self._comment, string and self._docstring
        return (comment, string, comment or string, docstring, *self._depths, self._condition)

    def read(self, character: str) -> None:
        """Take in the next character."""
        if self._string and self._string.takes(character):
            self._string.read(character)
        else:
            self._string = None
            if self._comment and character == "\n":
                self._comment, self._before = False, ""  # a backslash does not carry a comment on
            if not self._comment:
                self._read_code(character)
        self._before = character

    def _read_code(self, c: str) -> None:
        if c.isalnum() or c == "_":
            self._word_begins_line = self._line_begins or (self._word_begins_line and bool(self._word))
            self._word += c
            self._line_begins = False
            return
        self._end_word(c)
        if c == "#":
            self._comment = True
        elif c == "\n":
            self._end_line()
        elif not c.isspace():
            self._read_sign(c)
            self._statement_begins = self._line_begins = False

    def _end_word(self, after: str) -> None:
        word, self._word, self._prefix = self._word, "", ""
        if after in "\"'" and word.lower() in PREFIXES:
            self._prefix = word
        if not word or self._prefix:
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
            self._string = String(c, self._prefix)
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
