"""The default recipe: what is chosen for a user who names only a text, by the kind and depth of the network."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from charrnn.errors import check_choice
from charrnn.model.config import CELL_NAMES, NONLINEARITIES, ModelConfig
from charrnn.training.config import TrainingConfig

MINUTES = 3.0  # the budget where none is given

# Of a single layer, measured on two CPU cores with bfloat16 at one minute of Tiny Shakespeare.
_BY_CELL: dict[str, dict[str, Any]] = {
    "lstm": {"hidden_size": 384, "learning_rate": 8e-3, "dropout": 0.2},
    "gru": {"hidden_size": 256, "learning_rate": 4e-3, "dropout": 0.1},
    "peephole": {"hidden_size": 256, "learning_rate": 8e-3, "dropout": 0.1, "seq_length": 32},
    "rnn": {"hidden_size": 384, "learning_rate": 1e-3, "dropout": 0.1},
}


def recipe(vocabulary_size: int, given: Mapping[str, Any]) -> tuple[ModelConfig, TrainingConfig]:
    """Return the configurations made of what the user has given (None: not given) and of the recipe's choices.

    Raises:
        ConfigError: something given is outside its range.
    """
    options = {name: value for name, value in given.items() if value is not None}
    cell = options.get("cell", "lstm")
    check_choice("cell", cell, CELL_NAMES)
    check_choice("nonlinearity", options.get("nonlinearity", "tanh"), NONLINEARITIES)
    chosen = {**_chosen(cell, options.get("num_layers", 1)), **options}
    if not {"epochs", "steps", "minutes"} & set(chosen):
        chosen["minutes"] = MINUTES
    return (
        ModelConfig(vocabulary_size, **_only(chosen, ModelConfig)),
        TrainingConfig(**_only(chosen, TrainingConfig)),
    )


def _chosen(cell: str, num_layers: int) -> dict[str, Any]:
    """A deeper stack gets narrower layers, so that it sees as many characters in its time, and a lower rate."""
    single = _BY_CELL[cell]
    narrower = max(64, int(single["hidden_size"] / max(1, num_layers) ** 0.5) // 32 * 32)
    rate = single["learning_rate"] / max(1, num_layers) ** 0.75
    return {**single, "hidden_size": narrower, "learning_rate": rate, "embedding_size": min(256, narrower)}


def _only(options: Mapping[str, Any], config: type[Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name in {field.name for field in fields(config)}}
