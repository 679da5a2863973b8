"""Unit: one unit of one layer, by its name."""

from dataclasses import dataclass

from charrnn.errors import ConfigError, check_range
from charrnn.model.config import ModelConfig


@dataclass(frozen=True)
class Unit:
    """One unit of one layer, written `layer:index`, both from 0."""

    layer: int
    index: int

    @classmethod
    def parse(cls, text: str, config: ModelConfig) -> "Unit":
        """Return the unit that "L:I" names.

        Raises:
            ConfigError: it is not two numbers, or the model has no such unit.
        """
        layer, _, index = text.partition(":")
        if not (layer.isdecimal() and index.isdecimal() and len(text) <= 20):
            raise ConfigError(f"{text!r} is no unit", "write LAYER:INDEX, both from 0, such as 0:42")
        check_range("the unit's layer", int(layer), 0, config.num_layers - 1)
        check_range("the unit's index", int(index), 0, config.hidden_size - 1)
        return cls(int(layer), int(index))

    def __str__(self) -> str:
        return f"{self.layer}:{self.index}"
