"""The laws of highlights in a terminal."""

import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console

from charrnn.display.colours import MARKS, colour
from charrnn.display.highlight import Highlight
from charrnn.display.terminal import plain, show

STYLE = re.compile(r"\x1b\[[0-9;]*m")
TEXT = "def f(x):\n\treturn 'ünï 日本語 🙂' # e\u0301\n" * 4


def highlight(text, guesses=(), title="title"):
    values = [(-1) ** n * n / max(1, len(text)) for n in range(len(text))]
    return Highlight.of(title, "tanh(c) of unit 0:42", title, text, values, [list(guesses)] * len(text))


def shown(highlight, **options):
    options = {"color_system": "truecolor", "no_color": False, "width": 80} | options
    file = io.StringIO()
    show(highlight, Console(file=file, force_terminal=True, legacy_windows=False, **options))
    return file.getvalue()


GUESSES = [("a", 0.6), ("語", 0.3), (" ", 0.05)]


@pytest.mark.parametrize("guesses", [[], GUESSES])
@pytest.mark.parametrize("color_system", ["truecolor", "256", None])
def test_no_line_is_wider_than_the_terminal(guesses, color_system):
    lines = STYLE.sub("", shown(highlight(TEXT, guesses), color_system=color_system)).splitlines()
    assert max(map(cell_len, lines)) <= 80


def test_no_line_of_plain_text_is_wider_than_80_columns():
    assert max(map(cell_len, plain(highlight(TEXT, GUESSES)).splitlines())) <= 80


@pytest.mark.parametrize("color_system", ["truecolor", None])
def test_hostile_text_does_not_drive_the_terminal(hostile, color_system):
    output = shown(highlight(hostile, [(c, 0.5) for c in hostile[-20:]], title=hostile), color_system=color_system)
    assert not [c for c in STYLE.sub("", output) if c != "\n" and not c.isprintable()]


def test_hostile_text_brings_no_colour_of_its_own():
    assert "31" not in STYLE.findall(shown(highlight("\x1b[31mx", title="\x1b[31m"), color_system=None))
    assert "\x1b[31m" not in shown(highlight("\x1b[31mx", title="a\x1b[31mb"))


def test_brackets_are_text_and_no_markup():
    text = "[red]a[/red] [link=x] :smile: [/]"
    assert text in shown(highlight(text, title="[bold]t[/bold]"), color_system=None)
    assert "[bold]t[/bold]" in shown(highlight(text, title="[bold]t[/bold]"), color_system=None)


def test_a_character_stands_on_the_colour_of_its_value():
    r, g, b = colour(-0.5)
    output = shown(Highlight.of("t", "s", "o", "ab", [0.0, -0.5], []))
    assert f"48;2;{r};{g};{b}mb" in output


def test_with_colour_there_are_no_marks_and_without_there_are():
    marked = highlight("abcdefgh")
    assert not set(shown(marked)) & set(MARKS)
    assert set(shown(marked, color_system=None)) & set(MARKS)


def test_where_colour_is_refused_the_marks_take_its_place():
    output = shown(Highlight.of("t", "s", "o", "ab", [-1.0, 1.0], []), no_color=True)
    assert "▁█" in output.replace(MARKS, "")
    assert "48;2" not in output


def test_a_mark_stands_under_its_character():
    lines = plain(Highlight.of("t", "s", "o", "a日c", [-1.0, 0.1, 1.0], [])).splitlines()
    above = lines.index("a日c")
    assert lines[above + 1] == "▁▅ █"


def test_guesses_stand_under_their_characters_likeliest_first():
    lines = plain(highlight("ab", [("x", 0.7), (" ", 0.2)])).splitlines()
    assert lines[-2:] == ["xx", "␣␣"]


def test_plain_text_has_no_escape_codes(hostile):
    assert not [c for c in plain(highlight(hostile, GUESSES, hostile)) if c != "\n" and not c.isprintable()]


def test_an_empty_passage_can_be_shown():
    assert plain(highlight("")).startswith("title\n")
