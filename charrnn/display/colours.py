"""The one fixed scale from −1 to 1, and the colours of curves; both are safe for colour-blind eyes."""

from bisect import bisect

Rgb = tuple[int, int, int]

# ColorBrewer 2.0, RdBu, 11 classes, from blue (−1) over near-white (0) to red (1).
_HEX = "053061 2166ac 4393c3 92c5de d1e5f0 f7f7f7 fddbc7 f4a582 d6604d b2182b 67001f"
_STOPS: tuple[Rgb, ...] = tuple((stop[0], stop[1], stop[2]) for stop in map(bytes.fromhex, _HEX.split()))

_DARK, _DARK_BLUE, _DARK_RED = (30, 33, 37), (38, 118, 186), (196, 52, 52)

# Both scales where there are 256 colours, by their numbers: the nearest to each of their colours are neither in order
# of lightness nor of their hues.
DAY_256 = (68, 74, 117, 195, 231, 224, 216, 209, 167)
NIGHT_256 = (26, 25, 24, 17, 235, 52, 88, 124, 160)

# Okabe and Ito's palette, in the order in which curves take its colours; its yellow, faint on white, is left out.
OKABE_ITO = {
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "green": "#009E73",
    "purple": "#CC79A7",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "black": "#000000",
}
PALETTE = tuple(OKABE_ITO.values())
GREY = "#999999"  # of what a curve is held against

MARKS = "▁▂▃▄▅▆▇█"  # the scale without colour, from −1 to 1


def strong(value: float) -> Rgb:
    """Return the colour of a value on the whole of ColorBrewer's scale; beyond ±1 it is that of ±1.

    >>> strong(0), strong(-1), strong(7)
    ((247, 247, 247), (5, 48, 97), (103, 0, 31))
    """
    place = (min(1.0, max(-1.0, value)) + 1) / 2 * (len(_STOPS) - 1)
    low = min(int(place), len(_STOPS) - 2)
    r, g, b = (round(x + (y - x) * (place - low)) for x, y in zip(_STOPS[low], _STOPS[low + 1], strict=True))
    return r, g, b


def colour(value: float) -> Rgb:
    """Return the colour of a value on white: the scale up to its middle tones, on all of which black letters are read.

    >>> colour(0), ink(colour(-1)), ink(colour(1))
    ((247, 247, 247), (0, 0, 0), (0, 0, 0))
    """
    return strong(0.62 * min(1.0, max(-1.0, value)))


def night(value: float) -> Rgb:
    """Return the colour of a value on a dark page: what is near 0 is as dark as the page, and white letters stay white.

    >>> night(0), ink(night(-1)), ink(night(1))
    ((30, 33, 37), (255, 255, 255), (255, 255, 255))
    """
    share = min(1.0, abs(value))
    r, g, b = (round(x + (y - x) * share) for x, y in zip(_DARK, _DARK_RED if value > 0 else _DARK_BLUE, strict=True))
    return r, g, b


def number_of_256(value: float, dark: bool = False) -> int:
    """Return the colour of a value, of the 256 that older terminals have, by its number; on a light or a dark screen.

    >>> number_of_256(-1), number_of_256(0), number_of_256(7), number_of_256(0, dark=True)
    (68, 231, 167, 235)
    """
    numbers = NIGHT_256 if dark else DAY_256
    return numbers[round((min(1.0, max(-1.0, value)) + 1) / 2 * (len(numbers) - 1))]


def ink(background: Rgb) -> Rgb:
    """Return black or white, whichever is easier to read on the background (WCAG relative luminance)."""
    linear = [(c / 255 / 12.92) if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in background]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return (0, 0, 0) if luminance > 0.179 else (255, 255, 255)


def css(rgb: Rgb) -> str:
    """Return a colour as CSS writes it.

    >>> css((5, 48, 97))
    '#053061'
    """
    return f"#{rgb[0]:02x}{rgb[1]:02x}{rgb[2]:02x}"


def mark(value: float) -> str:
    """Return the sign whose height shows a value, for where there is no colour.

    >>> mark(-1) + mark(0.1) + mark(1)
    '▁▅█'
    """
    return MARKS[bisect([-0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75], value)]
