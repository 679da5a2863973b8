"""The explorer: one offline page to play with, in which every unit can be looked at and the network itself runs."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from charrnn.display.colours import Rgb, colour, css, ink, night
from charrnn.display.findings import Q_VALUE, short_p
from charrnn.display.packing import packed
from charrnn.display.page import template
from charrnn.display.signs import END, is_running, one_line, sign

ENCODING = "utf-16"  # with a byte order mark, which outranks what a server says: 15 of 16 bits carry numbers
PAINTS = 41  # colours from −1 to 1
LEVELS = 64  # numbers from −1 to 1 that a value is kept as: each is within 1/63 of what it was
GATE_LEVELS = 16  # from a gate's lowest to its highest value
MOST = 20_480_000  # values of a page: of 1,024 units at 20,000 characters; they are some 15 MB
LARGEST = 11_000_000  # bytes of a page, about; the gates of as many units are kept as there is room for
ROWS = 60_000  # signs of values and of gates, each, that are kept beside a network, which reads all of them itself
SCRIPTS = ("product.js", "network.js", "engine.js")  # of which a worker is made, too
PAGE_SCRIPTS = ("explorer.js", "explorer-find.js", "explorer-live.js", "explorer-write.js", "explorer-hands.js")

KNOWN = "known"  # the verdict on a unit that the model's file names
SINGLE = ("single unit", KNOWN)  # verdicts by which a unit bears the name of what it follows

Floats = npt.NDArray[Any]


@dataclass(frozen=True)
class Ranked:
    """A feature and the unit that follows it best, as it stands in the list of the page."""

    feature: str
    layer: int
    index: int
    metric: str
    score: float
    surface: float | None  # the score of the last characters alone; None, as what follows: not measured here
    whole: float | None  # the score of a probe on the best layer
    sign: int  # −1 where the unit is low while the feature is on
    q_value: float | None  # the p-value that it scores so well on shifted labels, adjusted for all features
    verdict: str
    sentence: str = ""  # a piece of text in which the feature shows
    curve: Sequence[tuple[int, float]] = ()  # the share of the layer's strength that so many units together have


@dataclass(frozen=True)
class Network:
    """A network that a page runs."""

    model: Mapping[str, Any]  # the document that `charrnn export` writes, packed as `packing.packed` does
    before: Floats | None = None  # the state before the passage, [parts, L, H]; None: zeros


@dataclass(frozen=True)
class Explorer:
    """What the page is made of: a passage of T characters and what L layers of H units did over it.

    `values` [L, T, H] are within −1 to 1, or are shown as if they were. `gates` are by name, each [L, T, H]; their
    bounds are −1 to 1 for those in `signed`, else 0 to 1. `guesses` are the likeliest next characters after each.
    """

    title: str
    scale: str  # what the values are, such as "tanh(c)"
    source: str
    text: Sequence[str]  # characters, or longer symbols
    values: Floats
    gates: Mapping[str, Floats]
    signed: Sequence[str]
    surprisal: Floats  # [T], nats of each character given those before it; NaN where there are none
    guesses: Sequence[Sequence[tuple[str, float]]]  # [T]
    ranked: Sequence[Ranked]
    opens: tuple[int, int]  # the layer and index of the unit that is shown first
    network: Network | None = None  # None: what is recorded is all that there is


def html(explorer: Explorer) -> str:
    """Return a page that asks nothing of anywhere and runs its own scripts alone."""
    engine, script = ("\n".join(map(_template, names)) for names in (SCRIPTS, PAGE_SCRIPTS))
    style = _template("explorer.css") + _paints()
    network = explorer.network
    return template("explorer.html").render(
        title=explorer.title,
        source=explorer.source,
        scale=explorer.scale,
        engine=Markup(engine),
        script=Markup(script),
        hashes=[_hash(engine), _hash(script)],
        style=Markup(style),
        style_hash=_hash(style),
        data=Markup(_as_block(_content(explorer))),
        model=Markup(_as_block(network.model)) if network else "",
        legend=range(PAINTS),
        p_value=Q_VALUE,
    )


def _content(explorer: Explorer) -> dict[str, Any]:
    layers, length, units = explorer.values.shape
    signs = [sign(character) for character in explorer.text]
    alphabet = sorted({sign(guess) for row in explorer.guesses for guess, _ in row})
    places = {character: place for place, character in enumerate(alphabet)}
    kept, values = _kept_values(explorer)
    return {
        "title": one_line(explorer.title),
        "scale": one_line(explorer.scale),
        "layers": layers,
        "units": units,
        "length": length,
        "levels": LEVELS,
        "opens": explorer.opens,
        "signs": signs,
        "ends": _places(explorer.text, "\n", END),
        "tabs": _places(explorer.text, "\t"),
        "runs": _runs(explorer.text),
        "surprisal": [None if nats != nats else round(float(nats), 2) for nats in explorer.surprisal],
        "alphabet": alphabet,
        "guesses": packed(np.array([n for row in explorer.guesses for n in _counted(row, places)], "<u2").tobytes()),
        "kept": kept,
        "values": values,
        "gates": [(name, name in explorer.signed) for name in explorer.gates],
        "gateLevels": GATE_LEVELS,
        "gateValues": _kept_gates(explorer, ROWS if explorer.network else LARGEST - len(values)),
        "ranked": [
            {
                "feature": one_line(each.feature),
                "unit": [each.layer, each.index],
                "metric": each.metric,
                "score": round(each.score, 3),
                "surface": _rounded(each.surface),
                "whole": _rounded(each.whole),
                "sign": each.sign,
                "p": "–" if each.q_value is None else short_p(each.q_value),
                "verdict": each.verdict,
                "single": each.verdict in SINGLE,
                "sentence": each.sentence,
                "curve": [(units, round(share, 3)) for units, share in each.curve],
            }
            for each in explorer.ranked
        ],
    } | _live(explorer)


def _live(explorer: Explorer) -> dict[str, Any]:
    """What a network needs to read the passage itself: its characters, and the state before it."""
    if not explorer.network:
        return {}
    before = explorer.network.before
    packed_state = None if before is None else packed(np.ascontiguousarray(before, "<f4").tobytes())
    return {"text": "".join(explorer.text), "before": packed_state}


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, 3)


def _counted(guesses: Sequence[tuple[str, float]], places: Mapping[str, int]) -> list[int]:
    """How many guesses there are, then for each its place in the alphabet and its percentage."""
    pairs = ((places[sign(guess)], round(100 * chance)) for guess, chance in guesses)
    return [len(guesses), *(number for pair in pairs for number in pair)]


def _places(text: Sequence[str], *wanted: str) -> list[int]:
    return [place for place, character in enumerate(text) if character in wanted]


def _runs(text: Sequence[str]) -> list[int]:
    """Where the lines begin that are set as a run, so that a browser orders and joins their letters."""
    begins = [0, *(place + 1 for place in _places(text, "\n", END))]
    lines = ("".join(text[begin:end]) for begin, end in zip(begins, [*begins[1:], len(text)], strict=True))
    return [begin for begin, line in zip(begins, lines, strict=True) if is_running(line)]


def _kept_values(explorer: Explorer) -> tuple[list[int] | None, str]:
    """The values of all units; beside a network of some, by their places, and None for all in their order."""
    rows = _levels(_by_unit(explorer.values), -1, LEVELS)
    if not explorer.network:
        return None, _packed(rows)
    order = [layer * explorer.values.shape[2] + index for layer, index in _order(explorer)]
    room = max(1, ROWS * len(rows) // max(1, len(_packed(rows[order[: len(order) // 8 + 1]])) * 8))
    return order[:room], _packed(rows[order[:room]])


def _order(explorer: Explorer) -> list[tuple[int, int]]:
    """The units: the one that is shown first, the ranked ones, then those that vary most."""
    order = [explorer.opens, *((each.layer, each.index) for each in explorer.ranked)]
    units = explorer.values.shape[2]
    order += [divmod(int(place), units) for place in np.argsort(-explorer.values.std(1), axis=None)]
    return list(dict.fromkeys(order))


def _kept_gates(explorer: Explorer, room: int) -> dict[str, str]:
    """The gates of the ranked units and then of those that vary most, by "layer:index", while there is room."""
    if not explorer.gates:
        return {}
    kept: dict[str, str] = {}
    for layer, index in _order(explorer):
        rows = [
            _levels(values[layer, :, index], -1 if name in explorer.signed else 0, GATE_LEVELS)
            for name, values in explorer.gates.items()
        ]
        text = _packed(_pairs(np.concatenate(rows)))
        room -= len(text)
        if room < 0:
            break
        kept[f"{layer}:{index}"] = text
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
    return packed(np.ascontiguousarray(numbers).tobytes())


def _as_block(content: Mapping[str, Any]) -> str:
    """JSON that can stand in a script element: without "<", no character of it can end or begin one.

    What is not printable is escaped, too, so that the page drives no terminal.
    """
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    escaped = {ord(c): json.dumps(c)[1:-1] for c in set(text) if not c.isprintable()}
    return text.translate(escaped | {ord("<"): "\\u003c"})


def _paints() -> str:
    steps = [2 * level / (PAINTS - 1) - 1 for level in range(PAINTS)]
    bright = "".join(_paint(f".v{n}", colour(step)) for n, step in enumerate(steps))
    return bright + "".join(_paint(f".dark .v{n}", night(step)) for n, step in enumerate(steps))


def _paint(selector: str, rgb: Rgb) -> str:
    return f"{selector}{{background:{css(rgb)};color:{css(ink(rgb))}}}\n"


def _hash(content: str) -> str:
    return "sha256-" + base64.b64encode(sha256(content.encode()).digest()).decode()


def _template(name: str) -> str:
    return (files("charrnn.display") / "templates" / name).read_text(encoding="utf-8")
