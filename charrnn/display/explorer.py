"""The explorer: one offline page to play with, in which every unit's values over a passage can be looked at."""

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from charrnn.display.colours import colour, css, ink
from charrnn.display.findings import P_VALUE, short_p
from charrnn.display.page import template
from charrnn.display.signs import is_running, one_line, sign

PAINTS = 41  # colours from −1 to 1
LEVELS = 64  # numbers from −1 to 1 that a value is kept as: each is within 1/63 of what it was
GATE_LEVELS = 16  # from a gate's lowest to its highest value
MOST = 20_480_000  # values of a page: of 1,024 units at 20,000 characters; they are some 15 MB
LARGEST = 11_000_000  # bytes of a page, about; the gates of as many units are kept as there is room for

Floats = npt.NDArray[Any]


@dataclass(frozen=True)
class Ranked:
    """A feature and the unit that follows it best, as it stands in the list of the page."""

    feature: str
    layer: int
    index: int
    metric: str
    score: float
    surface: float  # the score of the last characters alone
    whole: float  # the score of a probe on the unit's layer
    sign: int  # −1 where the unit is low while the feature is on
    p_value: float  # that a unit scores as well by chance
    verdict: str


@dataclass(frozen=True)
class Explorer:
    """What the page is made of: a passage of T characters and what L layers of H units did over it.

    `values` [L, T, H] are within −1 to 1, or are shown as if they were. `gates` are by name, each [L, T, H]; their
    bounds are −1 to 1 for those in `signed`, else 0 to 1. `guesses` are the likeliest next characters after each.
    """

    title: str
    scale: str  # what the values are, such as "tanh(c)"
    source: str
    text: str
    values: Floats
    gates: Mapping[str, Floats]
    signed: Sequence[str]
    surprisal: Floats  # [T], nats of each character given those before it
    guesses: Sequence[Sequence[tuple[str, float]]]  # [T]
    ranked: Sequence[Ranked]
    opens: tuple[int, int]  # the layer and index of the unit that is shown first


def html(explorer: Explorer) -> str:
    """Return a page that asks nothing of anywhere and runs its own script alone."""
    script, style = _template("explorer.js"), _template("explorer.css") + _paints()
    return template("explorer.html").render(
        title=explorer.title,
        source=explorer.source,
        scale=explorer.scale,
        script=Markup(script), script_hash=_hash(script),
        style=Markup(style), style_hash=_hash(style),
        data=Markup(_as_block(_content(explorer))),
        legend=range(PAINTS),
        p_value=P_VALUE,
    )  # fmt: skip


def _content(explorer: Explorer) -> dict[str, Any]:
    layers, length, units = explorer.values.shape
    signs = [sign(character) for character in explorer.text]
    alphabet = sorted({sign(guess) for row in explorer.guesses for guess, _ in row})
    places = {character: place for place, character in enumerate(alphabet)}
    values = _packed(_levels(_by_unit(explorer.values), -1, LEVELS))
    return {
        "title": one_line(explorer.title),
        "scale": one_line(explorer.scale),
        "layers": layers,
        "units": units,
        "length": length,
        "levels": LEVELS,
        "opens": explorer.opens,
        "signs": signs,
        "ends": _places(explorer.text, "\n"),
        "tabs": _places(explorer.text, "\t"),
        "runs": _runs(explorer.text),
        "surprisal": np.round(explorer.surprisal, 2).tolist(),
        "alphabet": alphabet,
        "guesses": [[(places[sign(guess)], round(100 * chance)) for guess, chance in row] for row in explorer.guesses],
        "values": values,
        "gates": [(name, name in explorer.signed) for name in explorer.gates],
        "gateLevels": GATE_LEVELS,
        "gateValues": _kept_gates(explorer, LARGEST - len(values)),
        "ranked": [
            {
                "feature": one_line(each.feature), "unit": [each.layer, each.index], "metric": each.metric,
                "score": round(each.score, 3), "surface": round(each.surface, 3), "whole": round(each.whole, 3),
                "sign": each.sign, "p": short_p(each.p_value), "verdict": each.verdict,
            }
            for each in explorer.ranked
        ],
    }  # fmt: skip


def _places(text: str, wanted: str) -> list[int]:
    return [place for place, character in enumerate(text) if character == wanted]


def _runs(text: str) -> list[int]:
    """Where the lines begin that are set as a run, so that a browser orders and joins their letters."""
    lines = text.split("\n")
    begins = accumulate((len(line) + 1 for line in lines[:-1]), initial=0)
    return [begin for begin, line in zip(begins, lines, strict=True) if is_running(line)]


def _kept_gates(explorer: Explorer, room: int) -> dict[str, str]:
    """The gates of the ranked units and then of those that vary most, by "layer:index", while there is room."""
    if not explorer.gates:
        return {}
    order = [explorer.opens, *((each.layer, each.index) for each in explorer.ranked)]
    units = explorer.values.shape[2]
    order += [divmod(int(place), units) for place in np.argsort(-explorer.values.std(1), axis=None)]
    kept: dict[str, str] = {}
    for layer, index in dict.fromkeys(order):
        rows = [
            _levels(values[layer, :, index], -1 if name in explorer.signed else 0, GATE_LEVELS)
            for name, values in explorer.gates.items()
        ]
        packed = _packed(_pairs(np.concatenate(rows)))
        room -= len(packed)
        if room < 0:
            break
        kept[f"{layer}:{index}"] = packed
    return kept


def _by_unit(values: Floats) -> Floats:
    """[L, T, H] -> [L·H, T]."""
    return values.transpose(0, 2, 1).reshape(-1, values.shape[1])


def _levels(values: Floats, low: float, levels: int) -> npt.NDArray[np.uint8]:
    """Values from `low` to 1 as whole numbers from 0 to `levels` − 1."""
    return np.round((np.clip(values, low, 1) - low) / (1 - low) * (levels - 1)).astype(np.uint8)


def _pairs(levels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Two numbers below 16 in each byte, the first in its upper half."""
    even = np.append(levels, np.uint8(0)) if len(levels) % 2 else levels
    return np.bitwise_or(even[::2] << 4, even[1::2], dtype=np.uint8)


def _packed(numbers: npt.NDArray[np.uint8]) -> str:
    return base64.b64encode(zlib.compress(np.ascontiguousarray(numbers).tobytes(), 9)).decode()


def _as_block(content: dict[str, Any]) -> str:
    """JSON that can stand in a script element: no character of it can end or begin one."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return text.translate({ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"})


def _paints() -> str:
    paints = [colour(2 * level / (PAINTS - 1) - 1) for level in range(PAINTS)]
    return "".join(f".v{n}{{background:{css(p)};color:{css(ink(p))}}}\n" for n, p in enumerate(paints))


def _hash(content: str) -> str:
    return "sha256-" + base64.b64encode(sha256(content.encode()).digest()).decode()


def _template(name: str) -> str:
    return (files("charrnn.display") / "templates" / name).read_text(encoding="utf-8")
