"""What a model writes with a unit held low, free and held high."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from charrnn.api.result import Result
from charrnn.display.side_by_side import side_by_side
from charrnn.model.checkpoint import Checkpoint
from charrnn.model.clamping import Clamp
from charrnn.model.network import CharRNN
from charrnn.model.stepped_network import SteppedCharRNN
from charrnn.model.units import Unit
from charrnn.neurons.recording import record
from charrnn.sampling.distribution import SamplingConfig
from charrnn.sampling.sampler import Sampler

WARMING = 3000  # characters that a model writes by itself before its units' low and high values are known


@dataclass(frozen=True)
class Steered(Result):
    """Texts written from the same seed with a unit held at a value, or free (None)."""

    model: str
    unit: str
    prime: str
    seed: int
    values: dict[str, float | None]  # by name: low, free, high
    texts: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        samples = [{"held": name, "value": self.values[name], "text": text} for name, text in self.texts.items()]
        origin = {"model": self.model, "unit": self.unit, "prime": self.prime, "seed": self.seed}
        return origin | {"samples": samples}

    def __str__(self) -> str:
        titles = [name if value is None else f"{name}, h = {value:.2f}" for name, value in self.values.items()]
        return side_by_side(titles, list(self.texts.values()))


def steer(
    network: CharRNN,
    checkpoint: Checkpoint,
    unit: str,
    *,
    prime: str = "",
    length: int = 300,
    temperature: float = 0.7,
    low: float | None = None,
    high: float | None = None,
    seed: int = 0,
    name: str = "",
) -> Steered:
    """Write three texts from the same seed, with a unit held low, free and held high from the prime's beginning on.

    Args:
        network: the model in torch, which tells the unit's range.
        checkpoint: the model's weights and vocabulary.
        unit: such as "0:42".
        prime: what the texts go on from.
        length: characters to draw.
        temperature: of the distribution that they are drawn from.
        low: where it is held; None: at the 2nd percentile of its hidden state as the model writes.
        high: None: at the 98th.
        seed: the same for all three.
        name: what the model was called by.

    Raises:
        ConfigError: there is no such unit, or a setting is out of its range.
        VocabularyError: the prime has characters that the model does not know.
    """
    config = SamplingConfig(temperature)
    wanted = Unit.parse(unit, checkpoint.config)
    if low is None or high is None:
        lowest, highest = _range(network, checkpoint, wanted)
        low, high = lowest if low is None else low, highest if high is None else high
    values = {"low": low, "free": None, "high": high}
    texts = {}
    for each, value in values.items():
        clamps = [] if value is None else [Clamp(wanted.layer, wanted.index, value)]
        texts[each] = _written(checkpoint, clamps, config, length, prime, seed)
    return Steered(name, unit, prime, seed, values, texts)


def _written(
    checkpoint: Checkpoint, clamps: list[Clamp], config: SamplingConfig, length: int, prime: str = "", seed: int = 0
) -> str:
    network = SteppedCharRNN(checkpoint.config, checkpoint.weights, clamps)
    sampler = Sampler.of(checkpoint, config, network)
    return "".join(drawn.character for drawn in sampler.draw(length, prime, seed))


def _range(network: CharRNN, checkpoint: Checkpoint, unit: Unit) -> tuple[float, float]:
    """The 2nd and 98th percentile of a unit's hidden state over what the model writes by itself."""
    written = _written(checkpoint, [], SamplingConfig(), WARMING)
    recorded = record(network, checkpoint.vocabulary.encode(written), ["h"])
    low, high = np.percentile(recorded.values(unit, "h"), [2, 98])
    return float(low), float(high)
