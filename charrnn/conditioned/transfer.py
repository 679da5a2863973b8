"""An encoder that begins with the weights of a character model: it has read, before it learns what to answer."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.conditioned.config import ConditionedConfig
from charrnn.conditioned.symbols import Symbols
from charrnn.errors import ConfigError
from charrnn.model.checkpoint import Checkpoint

Weights = dict[str, npt.NDArray[np.float32]]


def sizes_of(before: Checkpoint, given: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the sizes that an encoder has which begins with a model's weights.

    Raises:
        ConfigError: another size is given, or the model has no embedding.
    """
    config = before.config
    if not config.embedding_size:
        raise ConfigError(f"{name} has no embedding", "train one with --embedding-size 64, for example")
    directions = 1 if given.get("bidirectional") is False else 2
    own = {
        "cell": config.cell,
        "nonlinearity": config.nonlinearity,
        "num_layers": config.num_layers,
        "embedding_size": config.embedding_size,
        "memory_size": directions * config.hidden_size,
    }
    for field, value in own.items():
        if given.get(field) not in (None, value):
            raise ConfigError(f"{field} is {value} with {name}", f"leave --{field.replace('_', '-')} out")
    return own


def started(config: ConditionedConfig, fresh: Weights, before: Checkpoint, sources: Symbols) -> Weights:
    """Return the weights of a network whose encoder begins as a character model is, from fresh ones.

    The forward direction takes the model's layers; the embeddings of characters that both know are the model's. Of a
    bidirectional encoder's upper layers, the weights of what the backward direction hands up begin at zero, so that
    forwards it reads as the model does.
    """
    made, H = dict(fresh), before.config.hidden_size
    embedding = made["encoder.embedding.weight"].copy()
    for index, symbol in enumerate(sources.names):
        if symbol in before.vocabulary:
            embedding[index] = before.weights["embedding.weight"][before.vocabulary.encode(symbol)[0]]
    made["encoder.embedding.weight"] = embedding
    for layer in range(config.num_layers):
        for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "peephole"):
            name, known = f"encoder.layers.{layer}.forward.{part}", f"layers.{layer}.{part}"
            if name not in made:
                continue
            weight = before.weights[known]
            if part == "weight_ih" and layer:
                wide = np.zeros_like(made[name])
                wide[:, :H] = weight
                weight = wide
            made[name] = weight
    return made
