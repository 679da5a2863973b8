"""How strongly each earlier character bears on one prediction, by the gradient of its log-probability.

Two measures, of x the input that stands for a character (a row of the embedding, or a one-hot row) and g = ∂ ln p/∂x:

- "norm", ‖g‖₂: how much the prediction could change with the character. Saliency as in Simonyan, Vedaldi and Zisserman
  (2013), who take the largest |g|; Li, Chen, Hovy and Jurafsky (2016) took it to words.
- "product", g · x: how much ln p would fall, to first order, if the character's input were zero. It has a sign: above
  zero where the character speaks for the prediction.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from charrnn.errors import ConfigError, StatesOverflowError, check_range
from charrnn.model.network import CharRNN
from charrnn.neurons.backwards import Gradient, walk
from charrnn.neurons.gradients import state_after

Measure = Literal["norm", "product"]
SHARES = (0.5, 0.9, 0.99)


@dataclass(frozen=True)
class Influence:
    """What bears on the prediction of the character at `position`: a number for each of the N characters before it."""

    position: int
    target: int  # the id of the character whose probability it is about
    logs: npt.NDArray[np.float64]  # ln of each influence's size [N], in the text's order; −∞ for none
    signs: npt.NDArray[np.float64]  # of each influence [N]: ±1 or 0
    chances: npt.NDArray[np.float32]  # of every character at the position, [V]

    @property
    def relative(self) -> npt.NDArray[np.float64]:
        """Each influence [N] relative to the strongest, in −1 … 1; all 0 where none has any."""
        top = self.logs.max()
        return self.signs * np.exp(self.logs - top) if np.isfinite(top) else np.zeros_like(self.logs)

    @property
    def strongest(self) -> float | None:
        """log10 of the strongest influence's size; None where none has any."""
        return float(self.logs.max() / math.log(10)) if np.isfinite(self.logs.max()) else None

    def reach(self, share: float) -> int:
        """Return the distance within which so much of all influence lies, 1 for the character just before; 0: none.

        "All" is the sum of the N sizes.
        """
        sizes = np.abs(self.relative)[::-1].cumsum()
        return int(np.searchsorted(sizes, share * sizes[-1])) + 1 if sizes[-1] else 0


def influence(
    model: CharRNN,
    ids: npt.NDArray[np.integer],
    position: int,
    length: int,
    target: int | None = None,
    measure: Measure = "norm",
) -> Influence:
    """Measure what up to `length` characters before ids[position] have to do with it, or with another character there.

    Args:
        model: the network.
        ids: the text, [T].
        position: which character is predicted, 1 to T − 1.
        length: how many characters to go back.
        target: the id of the character whose probability is asked for; None: the one that stands there.
        measure: "norm" or "product".

    Raises:
        ConfigError: there is no such position, or no character before it.
        StatesOverflowError: the network's states are not finite there.
    """
    _check_position(position, len(ids))
    length = min(length, position)
    target = int(ids[position]) if target is None else target
    text = torch.from_numpy(ids.astype(np.int64))
    state = state_after(model, text, np.array([position - length - 1]))
    window = text[None, position - length : position].to(model.device)
    found = [_measured(gradient, measure) for gradient in walk(model, window, _one(target, model), state)]
    logs, signs = np.array(found[:-1])[::-1].T  # the last one has no input
    with torch.no_grad():
        chances = model(window, state)[0][0, -1].softmax(-1).float().cpu().numpy()
    if not ((logs < math.inf).all() and np.isfinite(chances).all()):
        raise StatesOverflowError
    return Influence(position, target, logs, signs, chances)


def _check_position(position: int, length: int) -> None:
    if length < 2:
        raise ConfigError("the text has no character with one before it", "give a text of two characters or more")
    check_range("the position", position, 1, length - 1)


def _one(target: int, model: CharRNN) -> Tensor:
    return torch.tensor([target], device=model.device)


def _measured(gradient: Gradient, measure: Measure) -> tuple[float, float]:
    """Return ln of an influence's size, and its sign; the gradient is that of −ln p."""
    if gradient.input is None or gradient.x is None:
        return -math.inf, 0.0
    value = float(gradient.input.norm()) if measure == "norm" else -float((gradient.input * gradient.x).sum())
    return math.log(abs(value)) + float(gradient.log_scale) if value else -math.inf, float(np.sign(value))
