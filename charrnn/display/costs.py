"""What ablating a unit costs, as a table of 80 columns."""

from collections.abc import Sequence
from typing import Any

PLACES = {"all": "everywhere", "inside": "inside", "outside": "outside", "closing": "at its closing character"}


def text(told: dict[str, Any], telling: Sequence[str]) -> str:
    """Return the table, and at which places (`telling`) it costs more than any of the random units."""
    of = f"; {told['feature']}" if told["feature"] else ""
    lines = [
        f"Unit {told['unit']} held at its mean, h = {told['held_at']:.3f}; nats per character{of}",
        "",
        f"{'':24} {'free':>6} {'held':>6} {'cost':>7} {'95 %':^17} {'like units':^15}".rstrip(),
        *(_row(PLACES[place], effect) for place, effect in told["effects"].items()),
        "",
    ]
    lines.append(verdict(len(told["controls"]), telling))
    return "\n".join(lines)


def verdict(controls: int, telling: Sequence[str]) -> str:
    """Return what a cost amounts to, beside those of some random units; `telling` is where it is above all of them."""
    if not controls:
        return "The layer has no other unit to compare it with."
    others = f"{controls} random unit{'' if controls == 1 else 's'} of like variance"
    if telling:
        return f"To hold it costs more than to hold any of {others}: {', '.join(PLACES[place] for place in telling)}."
    return f"To hold it costs no more than to hold some of {others}."


def _row(place: str, e: dict[str, Any]) -> str:
    like = "" if e["random_high"] is None else f"{e['random_mean']:+.3f} … {e['random_high']:+.3f}"
    costs = f"{e['difference']:+7.4f} {e['low']:+.4f} … {e['high']:+.4f}"
    return f"{place:24} {e['free']:6.3f} {e['held']:6.3f} {costs} {like}"
