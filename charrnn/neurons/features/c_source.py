"""What a unit might track in C, told by one scanner that knows escapes, comments, strings, directives and brackets."""

from charrnn.neurons.features.feature import Feature, Scanner, column

_OPENER = {")": "(", "]": "[", "}": "{"}
_CONDITIONS = ("if", "for", "while", "switch")


class CScanner(Scanner):
    """Where a text of C stands, by what has been read of it only, so that any beginning of a text scans alike.

    A character constant counts as a string. A string ends with its line unless a backslash carries it on, a closing
    bracket closes what is open inside its pair, and one that opens nothing is passed over; a brace at the beginning of
    a line closes all, so that whatever is unbalanced heals with the function's end. Brackets of a directive count
    until it ends.
    """

    COLUMNS = ("comment", "string", "comment_or_string", "directive", "(", "[", "{", "condition")

    def __init__(self) -> None:
        self._open = ""  # what a comment or string that is open is called by its opener: // /* " '
        self._escaped = False
        self._before = "\n"  # the last character, "" after what closes a comment or string
        self._word = ""  # the last word of code, "#if" for a directive's
        self._line_begins = True
        self._line_began = True  # before the last character
        self._directive = False
        self._brackets: list[tuple[str, bool]] = []  # each that is open, and whether it holds a condition
        self._kept: list[tuple[str, bool]] = []  # those open where the directive begins
        self._depths: tuple[int, int, int, bool] = (0, 0, 0, False)

    def place(self) -> tuple[float, ...]:
        """Return where the scanner stands, as COLUMNS says."""
        comment, string = self._open in ("//", "/*"), self._open in ('"', "'")
        return (comment, string, comment or string, self._directive, *self._depths)

    def read(self, character: str) -> None:
        """Take in the next character."""
        before, self._before = self._before, character
        if self._open == "/*":
            if before == "*" and character == "/":
                self._close()
        elif self._escaped:
            self._escaped = False
        elif character == "\\":
            self._escaped = True
        elif character == "\n":
            self._end_line()
        elif self._open:
            if character == self._open:
                self._close()
        else:
            self._read_code(character, before)

    def _close(self) -> None:
        self._open = self._before = ""

    def _end_line(self) -> None:
        self._open = ""
        self._line_begins = True
        if self._directive:
            self._directive = False
            self._set_brackets(self._kept)

    def _read_code(self, c: str, before: str) -> None:
        began, self._line_began = self._line_began, self._line_begins
        if before == "/" and c in "/*":
            self._open, self._before = before + c, ""
            self._line_begins = began  # a comment is as a space
            return
        if c == "'" and before.isalnum() and self._word[:1].isdigit():
            self._before = "0"  # it separates a number's digits
        elif c in "\"'":
            self._open = c
        elif c == "#" and self._line_begins:
            self._directive, self._kept, self._word = True, self._brackets, "#"
        elif c in "([{":
            self._set_brackets([*self._brackets, (c, c == "(" and self._word in _CONDITIONS)])
        elif c in _OPENER:
            self._close_bracket(c, at_line_begin=before == "\n")
        elif c.isalnum() or c == "_":
            goes_on = self._word == "#" or before.isalnum() or before == "_"
            self._word = self._word + c if goes_on else c
        if not (c.isspace() or c.isalnum() or c in "_#/*" or self._before == "0"):
            self._word = ""
        self._line_begins = self._line_begins and c.isspace()

    def _close_bracket(self, c: str, at_line_begin: bool) -> None:
        opened = [bracket for bracket, _ in self._brackets]
        if c == "}" and at_line_begin and not self._directive:
            self._set_brackets([])
        elif _OPENER[c] in opened:
            last = len(opened) - 1 - opened[::-1].index(_OPENER[c])
            self._set_brackets(self._brackets[:last])

    def _set_brackets(self, brackets: list[tuple[str, bool]]) -> None:
        self._brackets = brackets
        opened = [bracket for bracket, _ in brackets]
        depths = opened.count("("), opened.count("["), opened.count("{")
        self._depths = (*depths, any(condition for _, condition in brackets))


def _feature(name: str, sentence: str, of: str, binary: bool = True) -> Feature:
    return Feature(name, sentence, binary, column(CScanner, of), "c")


C_SOURCE = (
    _feature("inside_comment", "inside a comment of C source", "comment"),
    _feature("inside_string", "inside a string or character constant of C", "string"),
    _feature("inside_comment_or_string", "inside a comment or string of C source", "comment_or_string"),
    _feature("inside_preprocessor", "inside a preprocessor directive", "directive"),
    _feature("parenthesis_depth", "parentheses open in C source", "(", binary=False),
    _feature("bracket_depth", "square brackets open in C source", "[", binary=False),
    _feature("brace_depth", "braces open in C source", "{", binary=False),
    _feature("inside_if_condition", "inside the condition of if, for, while, switch", "condition"),
)
