"""The budget of a training: epochs, steps or minutes, of which it is given exactly one."""

from collections.abc import Mapping
from typing import Any

from charrnn.errors import ConfigError, check_range, check_whole, counted
from charrnn.model.config import BUDGET_RANGE, BUDGETS


def budget_of(training: Any) -> dict[str, Any]:
    """Return what is given of the budgets among a configuration's fields, by name."""
    return {name: getattr(training, name) for name in BUDGETS if getattr(training, name) is not None}


def check_budget(given: Mapping[str, Any]) -> None:
    """Raise ConfigError unless one budget is given, and within its range."""
    if len(given) != 1:
        shown = ", ".join(given) or "nothing"
        raise ConfigError(f"the budget is given as {shown}", "give one of epochs, steps and minutes")
    if "steps" in given:
        check_whole("steps", given["steps"], 1, 10**12)
    for name, value in given.items():
        check_range(name, value, *BUDGET_RANGE)


def in_words(given: Mapping[str, float]) -> str:
    """Return a budget as a person says it.

    >>> in_words({"minutes": 3.0})
    '3 minutes'
    """
    return " ".join(counted(value, name.removesuffix("s")) for name, value in given.items())
