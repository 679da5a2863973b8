"""What single units of the shipped models follow: the Markdown tables of the page on neurons.

Each model reads the test part of its own corpus, as `charrnn neurons find NAME NAME` does, for minutes.

    python benchmarks/features.py
"""

import argparse
import json
import subprocess
import sys
from typing import Any

from charrnn.model.shipped import SHIPPED

SIGNS = {"AUC": "AUC", "Spearman's ρ": "ρ"}
HEADS = (
    "text",
    "feature",
    "unit",
    "score (95 %)",
    "episodes",
    "last 5",
    "last 20",
    "counters",
    "untrained unit, layer",
    "layer",
    "verdict",
)


def main() -> None:
    """Print the table, the likeliest single units of each model first."""
    options = _options()
    print(f"| {' | '.join(HEADS)} |\n|{'---|' * len(HEADS)}")
    for name in options.names:
        found = _found(name, options.part)
        for feature in sorted(found, key=lambda each: (each["verdict"] != "single unit", -_strength(each))):
            print(_row(name, feature), flush=True)


def _found(name: str, part: str) -> list[dict[str, Any]]:
    line = [sys.executable, "-m", "charrnn", "neurons", "find", name, name, "--part", part, "--threads", "1", "--json"]
    return json.loads(subprocess.run(line, check=True, stdout=subprocess.PIPE).stdout)["features"]


def _strength(feature: dict[str, Any]) -> float:
    """How far the score is from chance, on one scale."""
    return 2 * feature["score"] - 1 if feature["kind"] == "binary" else abs(feature["score"])


def _row(name: str, feature: dict[str, Any]) -> str:
    interval = "{low:.3f}–{high:.3f}".format(**feature)
    precision = f", AP {feature['average_precision']:.2f}" if feature["kind"] == "binary" else ""
    controls = " | ".join(f"{feature[key]:.2f}" for key in ("surface_score", "longer_score", "counters_score"))
    untrained = f"{feature['untrained_score']:.2f}, {feature['untrained_layer_score']:.2f}"
    score = f"{SIGNS[feature['metric']]} {feature['score']:.3f} ({interval}){precision}"
    return (
        f"| {name} | `{feature['feature']}` | {feature['unit']} | {score} | {feature['episodes']:,} | {controls} "
        f"| {untrained} | {feature['layer_score']:.2f} | {feature['verdict_text']} |"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=SHIPPED, help=f"default: {' '.join(SHIPPED)}")
    parser.add_argument("--part", default="test", help="which part of the corpus (default: test)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
