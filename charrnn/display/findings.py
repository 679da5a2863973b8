"""What was found of features, as tables of 80 columns: the units, then what they are compared with."""

from typing import Any

from charrnn.display.signs import one_line

SIGNIFICANT = 0.05  # the q-value below which a unit, or a layer's probe, counts as found
FEW = 30  # episodes below which a figure rests on little
Q_VALUE = "q: p-value (labels shifted), adjusted for all features; found below 0.05"
_KINDS = (("binary", "On or off: ROC AUC, chance is 0.5"), ("continuous", "Counts: Spearman's ρ, chance is 0"))
_UNITS = f"{'':24} {'unit':>5} signal  score 95 %        AP episodes    q"
_CONTROLS = (
    f"{'':24} {'unit':>5} {'last 5':>6} {'last 20':>7} {'counters':>8} {'untrained':>9} {'layer':>6} {'units':>6}"
)
_NOTES = (
    "signal −: the unit is low while the feature is on, or falls as the count grows",
    "AP: average precision; chance is the share of characters with the feature on",
    Q_VALUE,
    f"episodes: on-periods, or restarts of a count; * fewer than {FEW}",
    "untrained: the best unit, and the best layer's probe, of an untrained network",
    "layer: a linear probe on the best layer; units: how many have 95 % of its score",
)


def text(told: dict[str, Any]) -> str:
    """Return the tables, what is left to say, and where no single unit follows any feature, that."""
    stretches, findings = told["stretches"], told["features"]
    read = sum(each["end"] - each["start"] for each in stretches)
    lines = [
        f"Over {read:,} characters from {stretches[0]['start']:,} to {stretches[-1]['end']:,}, in "
        f"{len(stretches)} stretches:",
        "units are chosen on every other stretch and measured on the rest",
    ]
    if told["training_characters"]:
        lines.append(
            f"last 5, last 20, counters: also fitted on {told['training_characters']:,} characters of training text"
        )
    for kind, title in _KINDS:
        some = [each for each in findings if each["kind"] == kind]
        if some:
            lines += ["", title, _UNITS, *map(_unit, some)]
    lines += ["", "Compared with", _CONTROLS, *map(_controls, findings)]
    lines += ["", "Verdicts", *(f"{each['feature']:24} {_verdict(each)}" for each in findings)]
    lines += ["", *_NOTES]
    if told["skipped"]:
        lines.append(f"Skipped, almost constant here: {', '.join(told['skipped'])}")
    if all(each["verdict"] != "single unit" for each in findings):
        lines += ["", f"No single neuron follows {'any of these' if len(findings) > 1 else 'it'}."]
    return "\n".join(map(one_line, lines))


def known(told: dict[str, Any]) -> str:
    """Return a table of known units: what each follows, how well, and on which text that was measured."""
    lines = [f"{'':24} {'unit':>5} signal  score     measured on"]
    for each in told["known_units"]:
        metric = "AUC" if each["metric"] == "AUC" else "ρ"
        part = "" if each["part"] == "all" else f", {each['part']}"
        signal = f"{'−' if each['sign'] < 0 else '+'}{each['signal']}"
        score = f"{metric} {three(each['score'])}"
        lines.append(f"{each['feature']:24} {each['unit']:>5} {signal:7} {score:9} {each['text']}{part}")
    return "\n".join(map(one_line, lines))


def _unit(each: dict[str, Any]) -> str:
    """A row of 80 columns for names of 24 characters and units below 1000."""
    signal = f"{'−' if each['sign'] < 0 else '+'}{each['signal']}"
    interval = f"{three(each['low'])}–{three(each['high'])}"
    precision = "" if each["average_precision"] is None else short(each["average_precision"])
    few = "*" if each["episodes"] < FEW else " "
    return (
        f"{each['feature']:24} {each['unit']:>5} {signal:7} {three(each['score'])} {interval:11} {precision:>4} "
        f"{each['episodes']:7,}{few} {short_p(each['q_value'])}"
    )


def _controls(each: dict[str, Any]) -> str:
    scores = (each["untrained_score"], each["untrained_layer_score"])
    untrained = "" if scores[0] is None else " ".join(map(short, scores))
    units = each["units_needed"] or f">{each['curve'][-1]['units']}"
    return (
        f"{each['feature']:24} {short(each['score']):>5} {short(each['surface_score']):>6} "
        f"{short(each['longer_score']):>7} {short(each['counters_score']):>8} {untrained:>9} "
        f"{short(each['layer_score']):>6} {units:>6}"
    )


def _verdict(each: dict[str, Any]) -> str:
    """The verdict in a few words, with the units on which the halves disagree."""
    if each["verdict"] != "halves disagree":
        return str(each["verdict_text"])
    units = [
        f"{one['unit']} {short(one['discover_score'])} and {short(one['report_score'])}"
        for one in each["candidates"][:2]
    ]
    return f"halves disagree: {'; '.join(units)}"


def three(score: float) -> str:
    """Write a score in five characters at most.

    >>> three(0.984), three(-0.2641), three(1.0)
    ('.984', '-.264', '1.00')
    """
    return "1.00" if score >= 0.9995 else f"{score:z.3f}".replace("0.", ".", 1)


def short(score: float) -> str:
    """Write a score in four characters.

    >>> short(0.984), short(-0.264), short(-0.001)
    ('0.98', '-.26', '0.00')
    """
    return f"{score:z.2f}".replace("-0", "-")


def short_p(p_value: float) -> str:
    """Write a p-value in four characters.

    >>> short_p(1 / 201), short_p(0.5), short_p(1.0)
    ('.005', '.500', '1.00')
    """
    return f"{p_value:.3f}".removeprefix("0")[:4]
