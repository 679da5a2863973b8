"""A unit's score over the stages of a run: a row with a bar for each in the terminal, and a picture."""

from pathlib import Path
from typing import Any

from charrnn.display.colours import GREY, OKABE_ITO
from charrnn.display.drawing import by_defaults, new_figure
from charrnn.display.figures import wrapped, write
from charrnn.display.signs import one_line

WIDTH = 26  # of a bar
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def bar(score: float, chance: float, width: int) -> str:
    """Return a bar that is empty at chance or below and full at 1.

    >>> bar(0.75, 0.5, 4), bar(0.4, 0.5, 4), bar(0.3, 0.0, 5)
    ('██', '', '█▌')
    """
    eighths = round(8 * width * max(0.0, score - chance) / (1 - chance))
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def text(told: dict[str, Any]) -> str:
    """Return a row for each stage, and when the unit emerged."""
    stages, chance, unit = told["stages"], 0.5 if told["metric"] == "AUC" else 0.0, told["unit"]
    part = f", {told['part']} part" if told["part"] != "all" else ""
    lines = [
        one_line(f"{told['feature']}, over {told['characters']:,} characters of {told['source']}{part}"),
        f"{told['metric']} of {told['signal']}; chance is {chance:g}, "
        f"the last five characters alone tell {told['surface_score']:.2f}\n",
        f"{'step':>9}  {'val nats':>8}  {'best unit then':>15}  unit {unit}",
    ]
    for stage in stages:
        val = "" if stage["val_nats"] is None else f"{stage['val_nats']:.3f}"
        best = f"{stage['best_unit']} {stage['best_score']:6.2f}"
        own = f"{stage['score']:.2f} {bar(stage['score'], chance, WIDTH)}"
        lines.append(f"{stage['step']:9,}  {val:>8}  {best:>15}  {own}".rstrip())
    return "\n".join([*lines, "", *_verdict(unit, told["born"])])


def _verdict(unit: str, first_step: int | None) -> list[str]:
    if first_step is None:
        return [f"Unit {unit} has not emerged: it ends no better than the last five characters."]
    return [
        f"Unit {unit} first appears at step {first_step:,}: since then it is better than the last five",
        "characters, and has at least half of what it ends with.",
    ]


@by_defaults
def draw(told: dict[str, Any], path: Path, form: str = "png") -> None:
    """Write a picture of the scores over the steps, and of what the last few characters tell."""
    stages, steps = told["stages"], [stage["step"] for stage in told["stages"]]
    figure = new_figure(8, 4.5, dpi=120)
    axes = figure.subplots()
    curves = (("score", f"unit {told['unit']}", "vermilion"), ("best_score", "the best unit then", "blue"))
    for key, name, colour in curves:
        axes.plot(steps, [stage[key] for stage in stages], marker="o", ms=4, color=OKABE_ITO[colour], label=name)
    axes.axhline(told["surface_score"], color=GREY, ls="--", lw=1, label="the last five characters alone")
    axes.set(xscale="log", xlabel="step", ylabel=told["metric"], ylim=(None, 1.02))
    figure.suptitle(wrapped(f"{told['feature']} in {told['run']}, over {told['source']}", 8), parse_math=False)
    axes.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    write(figure, path, form)
