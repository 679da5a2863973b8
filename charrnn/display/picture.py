"""Highlights as PNG pictures for slides and papers: a grid of one monospaced font, crisp at 200 dots per inch."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from charrnn.display.colours import Rgb, colour, ink
from charrnn.display.drawing import FT2Font, findSystemFonts, get_data_path
from charrnn.display.grid import AROUND, BLOCK, COLUMNS, EDGE, GUESS, HEAD, HIGH, WIDE, room, tall
from charrnn.display.highlight import Cell, Highlight

DPI = 200
MISSING = "�"  # stands for a sign that no font of the machine has
_SIZE, _SMALL, _TITLE = 31.5, 23.0, 30.0  # of the letters
_INK, _SOFT, _PAPER = (27, 27, 27), (85, 85, 85), (255, 255, 255)
_FONTS = ("DejaVuSansMono", "DejaVuSans")  # those that matplotlib brings along


def draw(highlight: Highlight, path: Path) -> set[str]:
    """Write a PNG of 80 columns, of as many characters as have room; return the signs that no font here has."""
    image, missing = render(highlight)
    save(image, path)
    return missing


def render(highlight: Highlight) -> tuple[Image.Image, set[str]]:
    """Return the picture and the signs that no font here has, in whose place stands �."""
    picture = _Picture(highlight.first(room(highlight)))
    picture.draw()
    return picture.image, picture.missing


def save(image: Image.Image, path: Path) -> None:
    """Write a picture as PNG."""
    image.save(path, format="png", dpi=(DPI, DPI), optimize=True)


class _Picture:
    def __init__(self, highlight: Highlight) -> None:
        self.highlight, self.missing = highlight, set[str]()
        self.gutter = highlight.gutter
        self.rows = list(highlight.rows(COLUMNS - self.gutter))
        self.tall = tall(highlight)
        size = (COLUMNS * WIDE + 2 * EDGE, AROUND + len(self.rows) * self.tall)
        self.image = Image.new("RGB", size, _PAPER)
        self.on = ImageDraw.Draw(self.image)

    def draw(self) -> None:
        self._line(EDGE, EDGE, self.highlight.title, _TITLE, _INK, bold=True)
        self._line(EDGE, 2 * EDGE, self.highlight.source, _SMALL, _SOFT)
        self._legend(3 * EDGE)
        for index, row in enumerate(self.rows):
            self._row(row, HEAD + index * self.tall)

    def _legend(self, y: int) -> None:
        low, high = self.highlight.ends
        self._line(EDGE, y, low.replace("-", "−"), _SMALL, _SOFT)
        left, steps = EDGE + 40, 200
        for step in range(steps):
            place = step / (steps - 1) if self.highlight.top is not None else 2 * step / (steps - 1) - 1
            self.on.rectangle((left + 2 * step, y, left + 2 * step + 1, y + 24), colour(place))
        self._line(left + 2 * steps + 16, y, f"{high}   {self.highlight.scale}", _SMALL, _SOFT)

    def _row(self, row: list[Cell], y: int) -> None:
        for index, name in enumerate(self.highlight.names):
            self._line(EDGE, y + HIGH + index * BLOCK - 2, name, BLOCK, _SOFT)
        column = self.gutter
        for cell in row:
            left, wide = EDGE + column * WIDE, cell.width * WIDE
            self._cell(cell, left, y, wide)
            column += cell.width

    def _cell(self, cell: Cell, left: int, y: int, wide: int) -> None:
        letters = _INK
        if not self.highlight.names:
            paper = colour(self.highlight.place(cell.value))
            letters = ink(paper)
            self.on.rectangle((left, y, left + wide - 1, y + HIGH - 1), paper)
        self._sign(cell.sign, left + wide / 2, y + HIGH / 2, _SIZE, letters)
        below = y + HIGH
        for value in cell.values if self.highlight.names else ():
            self.on.rectangle((left, below, left + wide - 1, below + BLOCK - 3), colour(self.highlight.place(value)))
            below += BLOCK
        for sign, chance in cell.guesses:
            self._sign(sign, left + wide / 2, below + GUESS / 2, _SMALL, _faint(chance))
            below += GUESS

    def _sign(self, sign: str, x: float, y: float, size: float, fill: Rgb) -> None:
        """Draw one sign around a point."""
        shown, font = self._with_font(sign)
        middle = y + size * 0.36  # the baseline of letters of this size that stand in the middle
        self.on.text((x, middle), shown, fill, _font(font, size), anchor="ms")

    def _line(self, x: int, y: int, text: str, size: float, fill: Rgb, bold: bool = False) -> None:
        """Draw a line of text from its left upper corner on, as far as there is room."""
        for sign in text:
            shown, path = self._with_font(sign)
            font = _font(_bold(path) if bold else path, size)
            if x + font.getlength(shown) > self.image.width - EDGE:
                break
            self.on.text((x, y + size * 0.85), shown, fill, font, anchor="ls")
            x += round(font.getlength(shown))

    def _with_font(self, sign: str) -> tuple[str, str]:
        path = _path_with(sign)
        if path:
            return sign, path
        self.missing.add(sign)
        return MISSING, _bundled(_FONTS[0])


def _faint(chance: float) -> Rgb:
    """The ink of a guess: the likelier, the darker, and to be read at any chance."""
    grey = round(118 - (118 - 27) * min(1.0, chance))
    return grey, grey, grey


@cache
def _path_with(sign: str) -> str | None:
    """The first font that has all of a sign's characters."""
    return next((path for path in _paths() if all(_has(path, character) for character in sign)), None)


def _paths() -> Iterator[str]:
    yield from map(_bundled, _FONTS)
    yield from _system_fonts()


@cache
def _system_fonts() -> tuple[str, ...]:
    return tuple(sorted(findSystemFonts()))


@cache
def _opened(path: str) -> FT2Font | None:
    try:
        return FT2Font(path)
    except (RuntimeError, OSError):  # a file that is no font that can be read
        return None


def _has(path: str, character: str) -> bool:
    font = _opened(path)
    return bool(font and font.get_char_index(ord(character)))


def _bundled(name: str) -> str:
    return str(Path(get_data_path()) / "fonts" / "ttf" / f"{name}.ttf")


def _bold(path: str) -> str:
    return _bundled(f"{_FONTS[0]}-Bold") if path == _bundled(_FONTS[0]) else path


@cache
def _font(path: str, size: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)
