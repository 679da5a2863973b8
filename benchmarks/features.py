"""What single units of the shipped models follow: the Markdown table of features in the README.

Each model reads the test part of its own corpus, as `charrnn neurons find NAME NAME` does, for a minute or two.

    python benchmarks/features.py
"""

import argparse
import json
import subprocess
import sys
from typing import Any

from charrnn.model.shipped import SHIPPED

SIGNS = {"AUC": "AUC", "Spearman's ρ": "ρ"}


def main() -> None:
    """Print the table, the likeliest single units of each model first."""
    print("| text | feature | unit | score (95 %) | last 5 | layer | verdict |\n|---|---|---|---|---|---|---|")
    for name in _options().names:
        found = _found(name)
        for feature in sorted(found, key=lambda each: (each["verdict"] != "single unit", -_strength(each))):
            print(_row(name, feature), flush=True)


def _found(name: str) -> list[dict[str, Any]]:
    line = [sys.executable, "-m", "charrnn", "neurons", "find", name, name, "--json"]
    return json.loads(subprocess.run(line, check=True, stdout=subprocess.PIPE).stdout)["features"]


def _strength(feature: dict[str, Any]) -> float:
    """How far the score is from chance, on one scale."""
    return 2 * feature["score"] - 1 if feature["kind"] == "binary" else abs(feature["score"])


def _row(name: str, feature: dict[str, Any]) -> str:
    score = "{score:.2f} ({low:.2f}–{high:.2f})".format(**feature)
    controls = f"{feature['surface_score']:.2f} | {feature['layer_score']:.2f}"
    return (
        f"| {name} | `{feature['feature']}` | {feature['unit']} | {SIGNS[feature['metric']]} {score} | {controls} "
        f"| {feature['verdict']} |"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=SHIPPED, help=f"default: {' '.join(SHIPPED)}")
    return parser.parse_args()


if __name__ == "__main__":
    main()
