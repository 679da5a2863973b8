"""How a conditioned model is trained, and for how long; and the recipe: what is chosen where nothing is given."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from charrnn.conditioned.config import ConditionedConfig
from charrnn.errors import ConfigError, check_choice, check_range, check_whole, counted
from charrnn.model.config import BUDGETS
from charrnn.runs.budget import budget_of, check_budget

MINUTES = 5.0  # the budget where none is given
SCHEDULES = ("cosine", "linear", "constant", "exponential")
_NARROWEST, _WIDEST = 64, 512
_WIDTH_OF_A_MINUTE = 160  # units for one minute of one core
_WIDTH_FOR_SYMBOLS = 1.5  # times the square root of the symbols to learn from
_SYMBOLS_A_SECOND = 15_000  # that one core trains on at that width, roughly
_RATE = 5e-3  # the learning rate's peak, up to 128 units
_DROPPED, _MOST_DROPPED = 0.06, 0.4  # for each doubling of the readings beyond two; at most


@dataclass(frozen=True)
class PairTraining:
    """A recipe and a budget, checked when it is made. The budget is exactly one of epochs, steps and minutes."""

    batch_size: int = 64
    learning_rate: float = 3e-3
    schedule: str = "cosine"
    warmup: float = 0.03  # part of the run over which the rate rises
    decay: float = 0.97  # what each epoch multiplies the rate by in the exponential schedule, after `decay_after`
    decay_after: float = 10.0
    weight_decay: float = 0.0
    clip_norm: float = 1.0
    epochs: float | None = None
    steps: int | None = None
    minutes: float | None = None
    sample_every: int | None = None  # steps between milestones; None: some twenty in a run
    soft_part: float = 0.4  # of the budget: so long hard attention reads softly, before it draws single places
    seed: int = 0

    def __post_init__(self) -> None:
        check_whole("batch_size", self.batch_size, 1, 65536)
        check_range("learning_rate", self.learning_rate, 1e-9, 100)
        check_choice("schedule", self.schedule, SCHEDULES)
        check_range("warmup", self.warmup, 0, 1)
        check_range("decay", self.decay, 1e-9, 1)
        check_range("decay_after", self.decay_after, 0, 1e12)
        check_range("weight_decay", self.weight_decay, 0, 10)
        check_range("clip_norm", self.clip_norm, 1e-9, 1e9)
        check_whole("sample_every", 1 if self.sample_every is None else self.sample_every, 1, 10**12)
        check_range("soft_part", self.soft_part, 0, 1)
        check_whole("seed", self.seed, 0, 2**63 - 1)
        check_budget(budget_of(self))

    def used(self, steps: float, epochs: float, seconds: float) -> float:
        """Return which part of the budget is used up after so many steps, epochs and seconds."""
        if self.minutes is not None:
            return seconds / (60 * self.minutes)
        return steps / self.steps if self.steps is not None else epochs / (self.epochs or 1.0)


class PairRecipe(NamedTuple):
    """Both configurations, and what they were chosen by, in words."""

    model: ConditionedConfig
    training: PairTraining
    why: str


def recipe(sizes: Mapping[str, Any], symbols: int, given: Mapping[str, Any], cores: int) -> PairRecipe:
    """Return the configurations made of what the user has given (None: not given) and of the recipe's choices.

    The network is the wider the more time there is and the more there is to learn from, and a wider one learns at a
    lower rate. The more often the examples will be read, the more units are dropped.

    Args:
        sizes: the fields of ConditionedConfig that the examples decide.
        symbols: of the outputs of the training part.
        given: values by the names of the configurations' fields.
        cores: of the processor.

    Raises:
        ConfigError: something given is outside its range.
    """
    options = {name: value for name, value in given.items() if value is not None}
    if not set(BUDGETS) & set(options):
        options["minutes"] = MINUTES
    if "soft_part" in options and options.get("attention") != "hard":
        raise ConfigError("soft_part is given without hard attention", "choose --attention hard, or leave it out")
    _made(sizes, options)  # checked before anything is computed from it
    minutes = options.get("minutes", MINUTES)
    depth = options.get("num_layers", 1)
    by_time = _WIDTH_OF_A_MINUTE * (cores * minutes) ** 0.3 / depth**0.5
    width = options.get("hidden_size", _rounded(min(by_time, _WIDTH_FOR_SYMBOLS * symbols**0.5, _WIDEST)))
    seen = cores * 60 * minutes * _SYMBOLS_A_SECOND * (_WIDTH_OF_A_MINUTE / width) ** 1.5 / depth
    readings = seen / max(1, symbols) if "minutes" in options else options.get("epochs", 1.0)
    chosen = {
        "hidden_size": width,
        "memory_size": width + width % 2,
        "embedding_size": 64,
        "attention_size": max(32, width // 2),
        "learning_rate": _RATE * min(1, 128 / width) ** 0.5 / depth**0.5,
        "dropout": round(min(_MOST_DROPPED, max(0.0, _DROPPED * math.log2(max(1e-9, readings / 2)))), 2),
    }
    time = f" and {counted(minutes, 'minute')} on {counted(cores, 'core')}" if "minutes" in options else ""
    why = f"{counted(symbols, 'output symbol')}{time}"
    return PairRecipe(*_made(sizes, {**chosen, **options}), why)


def _rounded(width: float) -> int:
    return max(_NARROWEST, round(width / 32) * 32)


def _made(sizes: Mapping[str, Any], options: Mapping[str, Any]) -> tuple[ConditionedConfig, PairTraining]:
    known = {kind: {each.name for each in fields(kind)} for kind in (ConditionedConfig, PairTraining)}
    unknown = set(options) - set().union(*known.values())
    if unknown:
        raise ConfigError(f"there is no option {sorted(unknown)[0]}", "see 'charrnn map train --help'")
    of_model = {name: value for name, value in options.items() if name in known[ConditionedConfig]}
    of_training = {name: value for name, value in options.items() if name in known[PairTraining]}
    return ConditionedConfig(**{**of_model, **sizes}), PairTraining(**of_training)
