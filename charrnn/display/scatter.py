"""Units as points in the square from 0 to 1: a picture of several panels, and the same as rows of text."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from charrnn.display.colours import GREY, PALETTE
from charrnn.display.drawing import by_defaults, new_figure
from charrnn.display.figures import wrapped, write

Points = Mapping[str, Sequence[tuple[float, float]]]  # by the name of their group

_DENSITY = " ·:+*#@"


@by_defaults
def draw(panels: Mapping[str, Points], axes: tuple[str, str], title: str, path: Path, form: str = "png") -> None:
    """Write a picture with a panel for each name, its points [N] of (x, y) coloured by group."""
    shown = wrapped(title, 4 * len(panels))
    lines = shown.count("\n")  # square panels do not shrink for them
    figure = new_figure(4 * len(panels), 4.3 + 0.3 * lines, dpi=120)
    for place, (name, groups) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
        for index, (group, points) in enumerate(groups.items()):
            colour = PALETTE[index % len(PALETTE)]
            place.scatter(*zip(*points, strict=True), s=10, alpha=0.6, color=colour, label=group, lw=0)
        place.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel=axes[0], ylabel=axes[1], title=name, aspect="equal")
        place.plot([0, 1], [1, 0], color=GREY, lw=0.8)
        place.legend(frameon=False)
    figure.suptitle(shown, parse_math=False)
    write(figure, path, form)


def rows(points: Sequence[tuple[float, float]], width: int, height: int) -> list[str]:
    """Return points as `height` rows of `width` signs, y upwards; the denser a place, the heavier its sign.

    >>> rows([(0, 0), (1, 1), (1, 1)], 4, 2)
    ['   :', '·   ']
    """
    counts = [[0] * width for _ in range(height)]
    for x, y in points:
        counts[height - 1 - min(height - 1, int(y * height))][min(width - 1, int(x * width))] += 1
    return ["".join(_DENSITY[min(len(_DENSITY) - 1, count.bit_length())] for count in row) for row in counts]
