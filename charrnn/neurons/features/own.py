"""Features of one's own: a regular expression, or a Python function that an installed package offers.

A package offers one as an entry point, here with the name `rhyme`, in its pyproject.toml:

    [project.entry-points."charrnn.features"]
    rhyme = "my_package.features:rhyme"

The object is a function from a text of T characters to T numbers (NaN where it is undefined) that looks at the past
only, and its docstring's first line is its sentence; or a `Feature`.
"""

import re
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import numpy as np

from charrnn.errors import ConfigError
from charrnn.neurons.features.feature import Feature, Values

GROUP = "charrnn.features"


def regex_feature(definition: str) -> Feature:
    r"""Return the feature that "NAME=PATTERN" defines: 1 at a match's characters; it sees where a match ends.

    ^ and $ match at the beginning and end of each line, \A and \Z at those of the text.

    >>> regex_feature("year=[0-9]{4}").values("in 1812.").tolist()
    [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0]

    Raises:
        ConfigError: it is no such definition, or the pattern no regular expression.
    """
    name, equals, pattern = definition.partition("=")
    if not (equals and pattern and re.fullmatch(r"\w+", name)):
        raise ConfigError(f"{definition!r} defines no feature", "write NAME=PATTERN, such as year=[0-9]{4}")
    try:
        compiled = re.compile(pattern, re.MULTILINE)
    except (re.error, OverflowError, RecursionError) as error:
        raise ConfigError(f"{pattern!r} is no regular expression ({error})", "see Python's module re") from None
    return Feature(name, f"matches {pattern}", True, _matcher(compiled), predictive=True)


def _matcher(pattern: re.Pattern[str]) -> Callable[[str], Values]:
    def values(text: str) -> Values:
        inside = np.zeros(len(text))
        for match in pattern.finditer(text):
            inside[match.start() : match.end()] = 1
        return inside

    return values


def offered() -> dict[str, EntryPoint]:
    """Return the entry points of installed packages by their features' names; none of them is loaded yet."""
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def load(entry: EntryPoint) -> Feature:
    """Load a feature that a package offers.

    Raises:
        ConfigError: it cannot be loaded, or is neither a function nor a Feature.
    """
    try:
        value: Any = entry.load()
    except Exception as error:  # whatever a stranger's module raises
        raise ConfigError(f"the feature {entry.name} ({entry.value}) cannot be loaded: {error}", _CURE) from error
    if isinstance(value, Feature):
        return Feature(
            entry.name, value.sentence, value.binary, _checked(entry.name, value.values), value.kind, value.predictive
        )
    if not callable(value):
        raise ConfigError(f"the feature {entry.name} ({entry.value}) is no function", _CURE)
    sentence = (value.__doc__ or f"as {entry.value} tells it").strip().splitlines()[0]
    return Feature(entry.name, sentence, False, _checked(entry.name, value))


_CURE = "mend the package that offers it, or remove it"


def _checked(name: str, function: Callable[[str], Any]) -> Callable[[str], Values]:
    def values(text: str) -> Values:
        try:
            result = np.asarray(function(text), np.float64)
        except Exception as error:
            raise ConfigError(f"the feature {name} fails: {error}", _CURE) from error
        if result.shape != (len(text),):
            raise ConfigError(f"the feature {name} gives {result.shape} values for {len(text)} characters", _CURE)
        return result

    return values
