"""How saturated gates are: scatter plots of a point for each unit, in the terminal and as a picture."""

from pathlib import Path
from typing import Any

import numpy as np

from charrnn.display.scatter import draw as draw_panels
from charrnn.display.scatter import rows

_LONGEST = 5  # units listed with the longest memory
_WIDTH, _HEIGHT = 22, 9  # of a plot in the terminal
_ENDLESS = 1e9  # characters, for a memory that never fades


def draw(told: dict[str, Any], title: str, path: Path, form: str) -> None:
    """Write a picture with a panel for each gate."""
    layers = range(len(told["half_life"]))
    panels = {
        f"gate {name}": {f"layer {layer}": _points(gate, layer) for layer in layers}
        for name, gate in told["gates"].items()
    }
    draw_panels(panels, ("share of characters below 0.1", "share above 0.9"), title, path, form)


def text(told: dict[str, Any]) -> str:
    """Return a plot for each gate, layer by layer, with the units' half-lives below."""
    return "\n".join(line for layer in range(len(told["half_life"])) for line in _of_layer(told, layer))


def _points(gate: dict[str, Any], layer: int) -> list[tuple[float, float]]:
    return list(zip(gate["left"][layer], gate["right"][layer], strict=True))


def _of_layer(told: dict[str, Any], layer: int) -> list[str]:
    gates = told["gates"]
    pictures = [rows(_points(gate, layer), _WIDTH, _HEIGHT) for gate in gates.values()]
    means = [[100 * np.mean(gate[side][layer]) for side in ("left", "right")] for gate in gates.values()]
    lives = np.array([_ENDLESS if life is None else life for life in told["half_life"][layer]])
    few, middle, many = np.percentile(lives, [10, 50, 90])
    longest = np.argsort(-lives, kind="stable")[:_LONGEST]
    return [
        f"Layer {layer}: shares of characters with a gate shut (→) and open (↑), a point a unit",
        "  ".join(f"{name:^{_WIDTH + 2}}" for name in gates).rstrip(),
        *("  ".join(f"│{row}│" for row in line) for line in zip(*pictures, strict=True)),
        "  ".join(f"{f'shut {left:.0f} % open {right:.0f} %':^{_WIDTH + 2}}" for left, right in means),
        f"half-lives: 10 % below {few:.1f} characters, half below {middle:.1f}, 90 % below {many:.1f}",
        "longest: " + ", ".join(f"{layer}:{unit} ({_shown(lives[unit])})" for unit in longest),
        "",
    ]


def _shown(life: float) -> str:
    return f"{life:,.0f}" if life < _ENDLESS else "∞"
