"""Which units of several models do the same, as lines of text."""

from typing import Any

from charrnn.display.signs import one_line


def text(told: dict[str, Any], count: int) -> str:
    """Return how well each two models' units match, their best pairs and, of a feature, each model's unit."""
    lines = []
    for match in told["matches"]:
        first, second = match["models"]
        r = [abs(pair["correlation"]) for pair in match["pairs"]]
        shares = ", ".join(f"{sum(x >= least for x in r)} at |r| ≥ {least}" for least in (0.9, 0.7, 0.5))
        pairs = f"{len(r):,} pair{'' if len(r) == 1 else 's'}"
        lines.append(one_line(f"{first} and {second}: {pairs} of units, {shares}"))
        for pair in match["pairs"][:count]:
            lines.append(f"  {pair['first']:>7}  {pair['second']:>7}  r {pair['correlation']:+.3f}")
    for each in told["scores"]:
        figures = f"{each['metric']} {each['score']:.3f} (last 5 {each['surface_score']:.3f})"
        lines.append(one_line(f"{each['feature']}  {figures}  unit {each['unit']:>6}  {each['model']}"))
    return "\n".join(lines)
