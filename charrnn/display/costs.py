"""What ablating a unit costs, as a table of 80 columns."""

from collections.abc import Sequence
from typing import Any

PLACES = {"all": "everywhere", "inside": "inside", "outside": "outside", "closing": "at its closing character"}
_HOW = {
    "mean": "held at its mean, {value} = {held_at:.3f}",
    "zero": "held at 0",
    "resample": "given the values that it has elsewhere in the text",
}


def text(told: dict[str, Any], telling: Sequence[str]) -> str:
    """Return the table, and at which places (`telling`) it costs more than the random units."""
    others = f"random {told['kind']}s"
    lines = [
        _heading(told),
        *([f"Feature: {told['feature']}; closing: the next character switches it off"] if told["feature"] else []),
        "",
        f"{'':10} {'n':>7} {'free':>6} {'held':>6} {'cost':>7} {'95 %':^17} {others:^17}".rstrip(),
        *(
            _row("closing" if place == "closing" else PLACES[place], effect)
            for place, effect in told["effects"].items()
        ),
        *([_contrast(told["inside_minus_outside"])] if told["inside_minus_outside"] else []),
        "",
    ]
    return "\n".join([*lines, *_amounts_to(told, telling)])


def _heading(told: dict[str, Any]) -> str:
    """What is held, at what; of a direction w its projection h · w."""
    one = told["kind"] == "unit"
    how = _HOW[told["how"]].format(held_at=told["held_at"], value="h" if one else "h · w")
    subject = f"Unit {told['unit']}" if one else f"D{told['unit'][1:]}"
    return f"{subject} {how}; nats per character"


def _row(place: str, e: dict[str, Any]) -> str:
    random = "" if e["random_high"] is None else f"{e['random_mean']:+.4f} … {e['random_high']:+.4f}"
    costs = f"{e['difference']:+7.4f} {e['low']:+.4f} … {e['high']:+.4f}"
    return f"{place:10} {e['characters']:7,} {e['free']:6.3f} {e['held']:6.3f} {costs} {random}".rstrip()


def _contrast(e: dict[str, Any]) -> str:
    return f"{'inside minus outside':32} {e['difference']:+7.4f} {e['low']:+.4f} … {e['high']:+.4f}"


def _amounts_to(told: dict[str, Any], telling: Sequence[str]) -> list[str]:
    said = verdict(len(told["controls"]), telling, told["kind"])
    if told["matched"]:
        return [said]
    low, high = told["control_weights"]
    return [
        said,
        f"Not all of them weigh as much: its deviation times the norm of its outgoing weights is {told['weight']:.2f}, "
        f"theirs {low:.2f} to {high:.2f}. To ablate what weighs more costs more in any case.",
    ]


def verdict(controls: int, telling: Sequence[str], kind: str = "unit") -> str:
    """Return what a cost amounts to, beside those of some random units; `telling` is where it is above them."""
    if not controls:
        return f"The layer has no other {kind} to compare it with."
    others = f"{controls} random {kind}{'' if controls == 1 else 's'} of the same layer"
    if telling:
        return f"Ablating it costs more than ablating {others}: {', '.join(PLACES[place] for place in telling)}."
    return f"Not clearly more than ablating {others}, all places considered: it may correlate without being needed."
