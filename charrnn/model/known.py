"""Known units: what units of a model were found to follow, kept in its file so that they have names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from charrnn.errors import ConfigError, check_range, check_whole, did_you_mean
from charrnn.model.clamping import Clamp
from charrnn.model.config import ModelConfig
from charrnn.model.units import Unit

MOST = 1000  # known units of a model
_LONGEST = 200  # characters of a name


@dataclass(frozen=True)
class KnownUnit:
    """A unit that `find` named as the one that follows a feature, and on which text."""

    feature: str  # its name
    unit: str  # "L:I"
    signal: str  # such as h, tanh_c or a gate
    sign: Literal[-1, 1]  # −1 where the unit is low when the feature is on, or falls as the count grows
    metric: str  # of the score: AUC, or Spearman's ρ
    score: float
    text: str  # the name of the text that the score was measured on
    part: str = "all"  # of that text

    def __post_init__(self) -> None:
        for name in ("feature", "unit", "signal", "metric", "text", "part"):
            check_whole(f"the length of a known unit's {name}", len(getattr(self, name)), 0, _LONGEST)
        check_range("a known unit's score", self.score, -1, 1)

    @property
    def title(self) -> str:
        """What it follows and how well, such as "inside quotes · AUC 1.00 · unit 1:435"."""
        return f"{self.feature.replace('_', ' ')} · {self.metric} {self.score:.2f} · unit {self.unit}"


def check(known: Sequence[KnownUnit], config: ModelConfig) -> None:
    """Raise ConfigError where a known unit is none of the network's, or there are too many."""
    check_whole("the number of known units", len(known), 0, MOST)
    for each in known:
        Unit.parse(each.unit, config)


def named(known: Sequence[KnownUnit], name: str) -> KnownUnit | None:
    """Return the known unit that a name means: a feature's, or a word of the shortest; None for what is written L:I.

    >>> quotes = KnownUnit("inside_quotes", "1:435", "tanh_c", 1, "AUC", 0.998, "tolstoy")
    >>> named([quotes], "quotes").unit
    '1:435'

    Raises:
        ConfigError: no known unit has that name, or several have.
    """
    if re.match(r"\d*:", name):
        return None
    found = [each for each in known if each.feature == name] or [
        each for each in known if name in each.feature.split("_")
    ]
    shortest = min((len(each.feature.split("_")) for each in found), default=0)
    found = [each for each in found if len(each.feature.split("_")) == shortest]
    if len(found) == 1:
        return found[0]
    features = [each.feature for each in found or known]
    if found:
        raise ConfigError(f"{name!r} may mean {' or '.join(features)}", "give the whole name")
    cure = "write LAYER:INDEX, both from 0, such as 0:42"
    cure += f", or a known unit: {', '.join(features)}" if known else "; 'charrnn neurons find --save' keeps names"
    raise ConfigError(f"{name!r} is no unit", did_you_mean(name, features, cure))


def unit(known: Sequence[KnownUnit], name: str, config: ModelConfig) -> Unit:
    """Return the unit that the name of a known one or L:I means; errors as of `named` and `Unit.parse`."""
    found = named(known, name)
    return Unit.parse(found.unit if found else name, config)


def clamp(known: Sequence[KnownUnit], text: str, config: ModelConfig) -> Clamp:
    """Return the clamp that L:I=VALUE or NAME=VALUE describes; errors as of `named` and `Clamp.parse`."""
    name, equals, value = text.partition("=")
    found = named(known, name) if equals else None
    return Clamp.parse(f"{found.unit}={value}" if found else text, config)


def of_unit(known: Sequence[KnownUnit], unit: Unit, signal: str) -> KnownUnit | None:
    """Return the best known finding about a unit's signal, if there is one."""
    of_it = [each for each in known if (each.unit, each.signal) == (str(unit), signal)]
    return max(of_it, key=lambda each: abs(each.score), default=None)


def joined(known: Sequence[KnownUnit], searched: Sequence[str], found: Sequence[KnownUnit]) -> tuple[KnownUnit, ...]:
    """Return the known units after a search for some features: what it found takes the place of what was known."""
    return (*(each for each in known if each.feature not in searched), *found)
