"""How many units predict a feature as well as their layer: curves over the number of units, as a picture."""

from pathlib import Path
from typing import Any

from charrnn.display.colours import GREY, PALETTE
from charrnn.display.drawing import by_defaults, new_figure
from charrnn.display.figures import wrapped, write

SHARE = 0.95  # of the layer's strength, from which on units are enough
_STYLES = ("-", "--", ":", "-.")


def curves(told: dict[str, Any]) -> dict[str, tuple[list[int], list[float]]]:
    """Return, for each feature that a unit or a layer follows, the share of the layer's strength by number of units.

    Strengths are 2·AUC − 1 or ρ. The features are named with how many units have SHARE of it.
    """
    found = {}
    for each in told["features"]:
        if each["verdict"] in ("single unit", "distributed"):
            whole = _strength(each, each["layer_score"])
            needed = each["units_needed"] or f"more than {each['curve'][-1]['units']}"
            shares = [_strength(each, point["score"]) / whole for point in each["curve"]]
            found[f"{each['feature']}: {needed}"] = ([point["units"] for point in each["curve"]], shares)
    return found


def _strength(each: dict[str, Any], score: float) -> float:
    return 2 * score - 1 if each["kind"] == "binary" else score


@by_defaults
def draw(told: dict[str, Any], path: Path, form: str = "png") -> None:
    """Write a picture of all curves."""
    figure = new_figure(8, 4.5, dpi=120)
    axes = figure.subplots()
    for number, (name, (units, shares)) in enumerate(curves(told).items()):
        style = _STYLES[number // len(PALETTE) % len(_STYLES)]
        axes.plot(units, shares, style, marker="o", ms=3, color=PALETTE[number % len(PALETTE)], label=name)
    axes.axhline(SHARE, color=GREY, ls="--", lw=1)
    axes.set(xscale="log", xlabel="units together", ylabel="share of the layer's strength", ylim=(0, 1.05))
    ticks = [1, 2, 4, 8, 16, 32, 64]
    axes.set_xticks(ticks, labels=[str(each) for each in ticks], minor=False)
    axes.minorticks_off()
    title = f"How many units of {told['model']} it takes, over {' '.join(told['source'])}"
    figure.suptitle(wrapped(title, 8), parse_math=False)
    axes.grid(alpha=0.3)
    if axes.lines[1:]:
        figure.legend(loc="outside lower center", ncols=3, frameon=False)
    write(figure, path, form)
