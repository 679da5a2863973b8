"""A unit's score over the stages of a run: a bar for each in the terminal, and a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from charrnn.display.colours import GREY, OKABE_ITO
from charrnn.display.drawing import by_defaults, new_figure
from charrnn.display.figures import wrapped, write

_EIGHTHS = " ▏▎▍▌▋▊▉█"


def bar(score: float, chance: float, width: int) -> str:
    """Return a bar that is empty at chance or below and full at 1.

    >>> bar(0.75, 0.5, 4), bar(0.4, 0.5, 4), bar(0.3, 0.0, 5)
    ('██', '', '█▌')
    """
    eighths = round(8 * width * max(0.0, score - chance) / (1 - chance))
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


@by_defaults
def draw(
    steps: Sequence[int],
    curves: Mapping[str, Sequence[float]],
    surface: float,
    axis: str,
    title: str,
    path: Path,
    form: str = "png",
) -> None:
    """Write a picture of scores over the steps, a curve for each name, and of what the last few characters tell."""
    figure = new_figure(8, 4.5, dpi=120)
    axes = figure.subplots()
    for (name, scores), colour in zip(curves.items(), (OKABE_ITO["vermilion"], OKABE_ITO["blue"]), strict=True):
        axes.plot(steps, scores, marker="o", ms=4, color=colour, label=name)
    axes.axhline(surface, color=GREY, ls="--", lw=1, label="the last five characters alone")
    axes.set(xscale="log", xlabel="step", ylabel=axis, ylim=(None, 1.02))
    figure.suptitle(wrapped(title, 8), parse_math=False)
    axes.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    write(figure, path, form)
