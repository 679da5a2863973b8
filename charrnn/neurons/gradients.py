"""How far a loss's gradient reaches back in time: the norm of ∂loss_t/∂(state after character t−k) over k.

Where it falls, what stood k characters ago can teach the network nothing: the vanishing gradient (Hochreiter 1991;
Bengio, Simard and Frasconi 1994). Where it grows, one step of training may throw the weights anywhere: the exploding
gradient (Pascanu, Mikolov and Bengio 2013).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from charrnn.errors import ConfigError, StatesOverflowError, counted
from charrnn.model.cells import state_names
from charrnn.model.network import CharRNN, State, detached
from charrnn.neurons.backwards import walk

Floats = npt.NDArray[np.float64]

BEFORE_STRETCH = 300  # characters read before a stretch, so that the state there is the text's
LOW, HIGH = 10, 90  # percentiles: the band about a median
FIRST = 5  # the fit begins there: the first few steps of a gated cell are steeper than all that follow
EVEN = 100  # a half-life beyond so many times the distance looked at is none


@dataclass(frozen=True)
class Curve:
    """log10 of the gradient's norm at k = 0 … K, over many losses: median, 10th and 90th percentile, each [K + 1].

    −∞ where the norm is zero.
    """

    median: Floats
    low: Floats
    high: Floats

    @classmethod
    def of(cls, log10: Floats) -> "Curve":
        """Return the curve of norms, log10 [N, K + 1], N ≥ 1; each percentile is one of the N, which may be −∞."""
        low, median, high = np.percentile(log10, [LOW, 50, HIGH], axis=0, method="nearest")
        return cls(median, low, high)

    @property
    def half_life(self) -> float | None:
        """Characters in which the norm falls by half (negative: doubles), by the straight line that fits best.

        The line goes through the logarithm of the medians from k = 5 on. None where it is level, or there is nothing.
        """
        k = np.arange(len(self.median))
        seen = np.isfinite(self.median) & (k >= min(FIRST, len(k) - 2))
        if seen.sum() < 2:
            return None
        slope = float(np.polyfit(k[seen], self.median[seen], 1)[0])
        life = -math.log10(2) / slope if slope else math.inf
        return life if abs(life) < EVEN * len(k) else None

    def gone(self, share: float) -> int | None:
        """Return the first k > 1 from which on the norm stays below this share of what it is at k = 1; None: none."""
        above = np.flatnonzero(self.median > self.median[1] + math.log10(share))
        last = int(above[-1]) if len(above) else 0
        return None if last == len(self.median) - 1 else max(2, last + 1)


def curves(
    model: CharRNN,
    ids: npt.NDArray[np.integer],
    distance: int,
    losses: int,
    on_step: Callable[[int], object] = lambda steps: None,
) -> dict[str, list[Curve]]:
    """Measure how the gradients of some losses, spread evenly over a text, fall with the distance k = 0 … `distance`.

    At k = 0 the loss has the last layer's h alone as an argument, so that all other parts begin at k = 1.

    Args:
        model: the network.
        ids: the text, [T].
        distance: K, how many characters to go back.
        losses: of how many places in the text the loss is taken; fewer where the text is short.
        on_step: told of each step back.

    Returns:
        By part a curve for each layer: of all of its state, and of h and, in an LSTM, c alone.

    Raises:
        ConfigError: the text is too short.
        StatesOverflowError: the network's states are not finite after any of the places.
    """
    logs = log_norms(model, ids, places(len(ids), distance, losses), distance, on_step)
    return {name: [Curve.of(layer) for layer in log10] for name, log10 in logs.items()}


def places(length: int, distance: int, losses: int) -> npt.NDArray[np.int64]:
    """Return the places t of the last characters read, each with `distance` before it and one after it in the text.

    Raises:
        ConfigError: there is none.
    """
    first, last = distance, length - 2
    if last < first:
        raise ConfigError(
            f"the text has {counted(length, 'character')}", f"give {distance + 2:,} or more, or a smaller distance"
        )
    first = min(last, first + BEFORE_STRETCH)
    return np.unique(np.linspace(first, last, losses).astype(np.int64))


def log_norms(
    model: CharRNN,
    ids: npt.NDArray[np.integer],
    places: npt.NDArray[np.int64],
    distance: int,
    on_step: Callable[[int], object] = lambda steps: None,
) -> dict[str, Floats]:
    """Return log10 of the norms by part, each [L, N, K + 1], of the losses after the places [N] of a text, ids [T]."""
    text = torch.from_numpy(ids.astype(np.int64))
    state = state_after(model, text, places - distance)
    window = _rows(text, places - distance + 1, distance).to(model.device)
    found = []
    for gradient in walk(model, window, text[places + 1].to(model.device), state):
        found.append([torch.stack(layer).cpu().double().numpy() for layer in gradient.log_norms()])
        on_step(1)
    logs = np.array(found).transpose(1, 2, 3, 0) / math.log(10)  # [L, parts, N, K + 1]
    finite = ~np.isnan(logs).any(axis=(0, 1, 3))
    if not finite.any():
        raise StatesOverflowError
    by_part = dict(zip(state_names(model.config), logs[:, :, finite].swapaxes(0, 1), strict=True))
    return {"state": np.logaddexp.reduce(2 * math.log(10) * logs[:, :, finite], axis=1) / (2 * math.log(10)), **by_part}


def state_after(model: CharRNN, text: Tensor, ends: npt.NDArray[np.int64]) -> State | None:
    """Return the states after text[end] of each end [N], from up to BEFORE_STRETCH characters; None before the text."""
    length = min(BEFORE_STRETCH, int(ends.min()) + 1)
    if not length:
        return None
    with torch.no_grad():
        return detached(model(_rows(text, ends + 1 - length, length).to(model.device))[1])


def _rows(text: Tensor, starts: npt.NDArray[np.int64], length: int) -> Tensor:
    """The stretches of a text that begin at the starts [N], [N, length]."""
    return text[torch.from_numpy(starts)[:, None] + torch.arange(length)]
