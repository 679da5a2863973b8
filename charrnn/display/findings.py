"""What was found of features, as a table of 80 columns."""

from typing import Any

from charrnn.display.signs import one_line

SIGNIFICANT = 0.05  # the p-value below which a unit, or a layer's probe, counts as found
P_VALUE = "p: permutation p-value over all units (labels shifted); found where below 0.05"
_SIGN = "signal −: the unit is low while the feature is on, or falls as the count grows"
_KINDS = (("binary", "On or off: ROC AUC, chance is 0.5"), ("continuous", "Counts: Spearman's ρ"))


def text(told: dict[str, Any]) -> str:
    """Return the table, what is left to say, and where no single unit follows any feature, that."""
    discover, report, findings = told["discover"], told["report"], told["features"]
    lines = [
        f"Chosen on characters {discover['start']:,} to {discover['end']:,}, measured on {report['start']:,} to "
        f"{report['end']:,}"
    ]
    for kind, title in _KINDS:
        some = [each for each in findings if each["kind"] == kind]
        if some:
            lines += ["", title, f"{'':24} {'unit':>5} signal score 95 %   last 5 layer    p verdict", *map(_row, some)]
    lines += ["", _SIGN, P_VALUE]
    unsure = [f"{each['feature']} (p {short_p(each['layer_p_value'])})" for each in findings
              if each["layer_p_value"] >= SIGNIFICANT]  # fmt: skip
    if unsure:
        lines.append(f"The probe on the layer is not significant: {', '.join(unsure)}")
    if told["skipped"]:
        lines.append(f"Hardly ever, or always, on: {', '.join(told['skipped'])}")
    if all(each["verdict"] != "single unit" for each in findings):
        lines += ["", f"No single neuron follows {'any of these' if len(findings) > 1 else 'it'}."]
    return "\n".join(map(one_line, lines))


def _row(each: dict[str, Any]) -> str:
    """A row of 80 columns for names of 24 characters and units below 1000."""
    signal, interval = (
        f"{'−' if each['sign'] < 0 else '+'}{each['signal']}",
        f"{short(each['low'])}–{short(each['high'])}",
    )
    return (
        f"{each['feature']:24} {each['unit']:>5} {signal:7} {short(each['score'])} {interval:9} "
        f"{short(each['surface_score'])} {short(each['layer_score'])} {short_p(each['p_value'])} {each['verdict']}"
    )


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
