"""The laws of highlights in a terminal."""

import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from charrnn.display.colours import MARKS, colour
from charrnn.display.highlight import Highlight
from charrnn.display.terminal import Terminal, plain, show

STYLE = re.compile(r"\x1b\[[0-9;]*m")
TEXT = "def f(x):\n\treturn 'ünï 日本語 🙂' # e\u0301\n" * 4


def highlight(text, guesses=(), title="title"):
    values = [(-1) ** n * n / max(1, len(text)) for n in range(len(text))]
    return Highlight.of(title, "tanh(c) of unit 0:42", title, text, values, [list(guesses)] * len(text))


def shown(highlight, **options):
    options = {"color_system": "truecolor", "no_color": False, "width": 80} | options
    file = io.StringIO()
    show(highlight, Terminal(file=file, force_terminal=True, legacy_windows=False, **options))
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


def stacked(text, **rows):
    rows = rows or {"0:1": [n / len(text) for n in range(len(text))], "1:22": [-1.0] * len(text)}
    return Highlight.stacked("t", "s", "o", text, rows, [])


@pytest.mark.parametrize("color_system", ["truecolor", "256", "standard", None])
def test_each_unit_has_a_row_that_begins_with_its_name_under_the_text(color_system):
    lines = STYLE.sub("", shown(stacked("a日c\n"), color_system=color_system)).splitlines()
    above = lines.index("     a日c↵")
    assert [line[:5] for line in lines[above + 1 : above + 3]] == ["0:1  ", "1:22 "]
    assert {cell_len(line) for line in lines[above : above + 3]} == {5 + 5}


def test_without_colour_the_rows_of_units_are_marks():
    assert plain(stacked("abc", x=[-1.0, 0.1, 1.0], y=[1.0, 1.0, -1.0])).splitlines()[-2:] == ["x ▁▅█", "y ██▁"]


@pytest.mark.parametrize("color_system", ["truecolor", "256", "standard", None])
def test_stacked_rows_keep_to_the_width_of_the_terminal(color_system):
    lines = STYLE.sub("", shown(stacked(TEXT), color_system=color_system, width=40)).splitlines()
    assert max(map(cell_len, lines[3:])) <= 40


STANDARD = {  # the 16 colours of xterm and of a PC's text screen
    "xterm": "000000 cd0000 00cd00 cdcd00 0000ee cd00cd 00cdcd e5e5e5 "
    "7f7f7f ff0000 00ff00 ffff00 5c5cff ff00ff 00ffff ffffff",
    "screen": "000000 aa0000 00aa00 aa5500 0000aa aa00aa 00aaaa aaaaaa "
    "555555 ff5555 55ff55 ffff55 5555ff ff55ff 55ffff ffffff",
}


def luminance(rgb):
    linear = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in rgb]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first, second):
    low, high = sorted(luminance(rgb) + 0.05 for rgb in (first, second))
    return high / low


def painted(output):
    """The ink and paper, as rich's colours, of each piece of a line that has both."""
    styles = [segment.style for segment in Text.from_ansi(output).render(Console())]
    return [
        (style.color, style.bgcolor) for style in styles if style and style.bgcolor and not style.bgcolor.is_default
    ]


@pytest.mark.parametrize("color_system", ["truecolor", "256"])
def test_every_colour_has_an_ink_that_can_be_read_on_it(color_system):
    values = [n / 100 - 1 for n in range(201)]
    output = shown(Highlight.of("t", "s", "o", "x" * 201, values, []), color_system=color_system, width=300)
    pairs = painted(output)
    assert len(pairs) > 15
    assert min(contrast(a.get_truecolor(), b.get_truecolor()) for a, b in pairs) >= 4.5


@pytest.mark.parametrize("palette", STANDARD)
def test_every_one_of_few_colours_has_an_ink_that_can_be_read_on_it(palette):
    shades = [bytes.fromhex(shade) for shade in STANDARD[palette].split()]
    output = shown(Highlight.of("t", "s", "o", "abcde", [-1, -0.5, 0, 0.5, 1], []), color_system="standard")
    pairs = painted(output.splitlines()[-1])
    assert [paper.number for _, paper in pairs] == [4, 6, 5, 1]
    assert min(contrast(shades[a.number], shades[b.number]) for a, b in pairs) >= 4.5


def test_unlikely_guesses_can_be_read_on_white_and_on_black():
    output = shown(highlight("a", [("b", 0.01)]))
    (faint,) = re.findall(r"38;2;(\d+);(\d+);(\d+)mb", output)
    assert min(contrast(tuple(map(int, faint)), paper) for paper in ((0, 0, 0), (255, 255, 255))) >= 4.5


def test_what_is_longer_than_the_screen_is_paged_whole_and_the_rest_is_not():
    pages = []
    console = Terminal(file=io.StringIO(), width=80, height=12)
    show(highlight("x\n" * 40), console, lambda lines: pages.append("".join(lines)))
    assert pages == [plain(highlight("x\n" * 40))]
    assert console.file.getvalue() == ""
    show(highlight("x\n"), console, pages.append)
    assert len(pages) == 1
    assert console.file.getvalue() == plain(highlight("x\n"))


def test_a_tab_takes_four_columns():
    assert plain(Highlight.of("t", "s", "o", "\ta", [1.0, -1.0], [])).splitlines()[-2:] == ["⇥   a", "█   ▁"]


HOSTILE = "[red]cat[/x] [link=file:///]y[/link] :smile: \x1b]0;title\x1b[5;8m\u202e"


@pytest.mark.parametrize("wrapped", [str, Text, lambda text: tabled(text)], ids=["plain", "text", "in a table"])
def test_a_terminal_shows_every_string_as_it_stands_and_obeys_none(wrapped):
    console = Terminal(file=io.StringIO(), force_terminal=True, legacy_windows=False, width=100, color_system=None)
    console.print(wrapped(HOSTILE))
    assert console.file.getvalue().strip() == HOSTILE.translate({27: "␛", 0x202E: "‹U+202E›"})


def tabled(text):
    table = Table(text, box=None)
    table.add_row(text)
    table.show_header = False
    return table
