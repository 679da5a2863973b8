"""Clamp: a unit, or a direction of a layer, held at one value at every step, inside the recurrence."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from charrnn.errors import ConfigError, check_range
from charrnn.model.cells import Array
from charrnn.model.config import ModelConfig
from charrnn.model.directions import Direction
from charrnn.model.units import Unit


class Held(Protocol):
    """What is held in a layer at every step: a unit, or a direction."""

    @property
    def layer(self) -> int:
        """The layer whose hidden states it is held in."""

    def check(self, config: ModelConfig) -> None:
        """Raise ConfigError unless the model has it, and it can take the value."""

    def hold(self, h: Array) -> None:
        """Write into hidden states [..., H] of the layer."""


@dataclass(frozen=True)
class Clamp:
    """The hidden state h of one unit, held at a value.

    h is all that the rest of a network sees of a unit: the layer above, the read-out, and the recurrent product of the
    next step. An LSTM's cell state reaches the other units through h alone: holding h is the whole intervention.
    """

    layer: int
    index: int
    value: float

    @classmethod
    def parse(cls, text: str, config: ModelConfig) -> "Clamp":
        """Return the clamp that "L:I=VALUE" describes.

        Raises:
            ConfigError: it is not of that form, or the model has no such unit or no such value.
        """
        unit, equals, value = text.partition("=")
        try:
            held = float(value)
        except ValueError:
            equals = ""
        if not equals:
            raise ConfigError(f"{text!r} holds no unit", "write LAYER:INDEX=VALUE, such as 0:42=0.9")
        named = Unit.parse(unit, config)
        clamp = cls(named.layer, named.index, held)
        clamp.check(config)
        return clamp

    @property
    def unit(self) -> Unit:
        """The unit that is held."""
        return Unit(self.layer, self.index)

    def check(self, config: ModelConfig) -> None:
        """Raise ConfigError unless the model has the unit, and its hidden state can take the value."""
        check_range("the clamped unit's layer", self.layer, 0, config.num_layers - 1)
        check_range("the clamped unit's index", self.index, 0, config.hidden_size - 1)
        unbounded = config.cell == "rnn" and config.nonlinearity == "relu"
        low, high = (0.0, 1e6) if unbounded else (-1.0, 1.0)
        check_range(f"the value of unit {self.layer}:{self.index}", self.value, low, high)

    def hold(self, h: Array) -> None:
        """Write the value into hidden states [..., H] of its layer."""
        h[..., self.index] = self.value


@dataclass(frozen=True)
class DirectionClamp:
    """A direction whose projection h · weights is held at a value; h is not changed at right angles to it."""

    direction: Direction
    value: float

    @property
    def layer(self) -> int:
        """The layer whose hidden states it is held in."""
        return self.direction.layer

    def check(self, config: ModelConfig) -> None:
        """Raise ConfigError unless the projection can be held at the value."""
        check_range(f"the value of the {self.direction}", self.value, -1e6, 1e6)

    def hold(self, h: Array) -> None:
        """Move hidden states [..., H] of its layer, numpy arrays, along the direction."""
        h += (self.value - self.direction.projection(h))[..., None] * self.direction.weights.astype(np.float32)
