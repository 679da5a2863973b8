"""Logits -> probabilities: temperature, then top-k, top-p and min-p, as language-model users know them.

Everything acts along the last axis of numpy arrays or torch tensors, so that many streams are drawn for at once, on the
device where their logits are.
"""

from dataclasses import dataclass
from math import isfinite, log
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.errors import StatesOverflowError, check_range
from charrnn.model.cells import Array, array_module


@dataclass(frozen=True)
class SamplingConfig:
    """How the next character is drawn, checked when it is made (ConfigError names the field and its range)."""

    temperature: float = 1.0  # 0: the most likely character, always
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None

    @property
    def is_plain(self) -> bool:
        """Whether characters are drawn as the model itself would."""
        return self.temperature == 1 and self.top_k is None and self.top_p is None and self.min_p is None

    def __post_init__(self) -> None:
        check_range("temperature", self.temperature, 0, 1e6)
        if self.top_k is not None:
            check_range("top_k", self.top_k, 1, 0x110000)
        if self.top_p is not None:
            check_range("top_p", self.top_p, 1e-9, 1)
        if self.min_p is not None:
            check_range("min_p", self.min_p, 0, 1)


def probabilities(logits: Array, config: SamplingConfig) -> Array:
    """Return the probabilities [..., V] with which the next character is drawn, from its logits [..., V]."""
    x = _below_the_largest(logits)
    if config.temperature == 0:
        return _only(x * 0 + 1, _ranks(x) == 0)
    with np.errstate(over="ignore"):  # so far below the largest that its probability is 0
        p = _shares(x / config.temperature)
    if config.top_k is not None:
        p = top_k(p, config.top_k)
    if config.top_p is not None:
        p = top_p(p, config.top_p)
    if config.min_p is not None:
        p = min_p(p, config.min_p)
    return p


def draw(logits: Array, config: SamplingConfig, noise: Array) -> tuple[Array, Array]:
    """Draw a character for each of B streams.

    Args:
        logits: of the next character, [B, V].
        config: how it is drawn.
        noise: uniform in [0, 1), [B].

    Returns:
        The ids [B], and −ln p [B] of each under the model itself: at temperature 1, with nothing left out.
    """
    x, module = _below_the_largest(logits), array_module(logits)
    reached = module.exp(x).cumsum(-1)
    ids = choose(reached if config.is_plain else probabilities(x, config).cumsum(-1), noise)
    nats = module.log(reached[:, -1]) - _along(x, ids[:, None])[:, 0]
    return ids, nats


def draw_one(logits: npt.NDArray[np.float32], config: SamplingConfig, noise: float) -> tuple[int, float]:
    """Do the same for one stream, logits [V], in a fraction of the time: for so few numbers every call counts."""
    largest = float(logits.max())
    if not isfinite(largest):
        raise StatesOverflowError
    x = logits - np.float64(largest)
    reached = np.exp(x).cumsum()
    if config.temperature == 0:
        index = int(x.argmax())
    else:
        drawn_from = reached if config.is_plain else probabilities(x, config).cumsum()
        index = int(drawn_from.searchsorted(noise * drawn_from[-1], "right"))
    return index, log(reached[-1]) - float(x[index])


def softmax(logits: Array) -> Array:
    """Return exp(x) / Σ exp(x), along the last axis, in float64."""
    return _shares(_below_the_largest(logits))


def log_softmax(logits: Array) -> Array:
    """Return x − ln Σ exp(x), along the last axis, in float64: finite even where its exp is not above 0."""
    x, module = _below_the_largest(logits), array_module(logits)
    return x - module.log(module.exp(x).sum(-1, keepdims=True))


def top_k(p: Array, k: int) -> Array:
    """Keep the k most likely characters; among equals, those with lower ids."""
    return _only(p, _ranks(p) < k)


def top_p(p: Array, mass: float) -> Array:
    """Keep the fewest most likely characters that have at least the given mass together (Holtzman et al. 2020)."""
    falling = _along(p, _order(p))
    before = falling.cumsum(-1) - falling
    return _only(p, _along(before < mass, _ranks(p)))


def min_p(p: Array, share: float) -> Array:
    """Keep the characters that are at least `share` times as likely as the likeliest (Nguyen et al. 2024)."""
    return _only(p, p >= share * array_module(p).amax(p, axis=-1, keepdims=True))


def choose(reached: Array, noise: Array) -> Array:
    """Return the ids [B] that noise [B], uniform in [0, 1), picks by the running sums [B, V] of weights.

    >>> choose(np.array([[1.0, 1.0, 4.0], [0.5, 1.0, 1.0]]), np.array([0.25, 0.999])).tolist()
    [2, 1]
    """
    return (reached <= noise[:, None] * reached[:, -1:]).sum(-1)


def _below_the_largest(logits: Array) -> Array:
    """The logits less their largest, in float64 (float32 on a device that has no more)."""
    if isinstance(logits, np.ndarray):
        return logits - _finite(logits.max(-1, keepdims=True))
    x = logits.float() if logits.device.type == "mps" else logits.double()
    return x - x.amax(-1, keepdim=True)


def _finite(largest: Any) -> Any:
    """The largest logits, in float64. Raises StatesOverflowError where one is no finite number."""
    if not np.isfinite(largest).all():
        raise StatesOverflowError
    return largest.astype(np.float64)


def _shares(x: Array) -> Array:
    """exp(x) / Σ exp(x), where the largest x is 0."""
    weights = array_module(x).exp(x)
    return weights / weights.sum(-1, keepdims=True)


def _order(p: Array) -> Array:
    """The ids, likeliest first; among equals the lower ones."""
    return (-p).argsort(-1, kind="stable") if isinstance(p, np.ndarray) else (-p).argsort(dim=-1, stable=True)


def _ranks(p: Array) -> Array:
    """The place of each id in that order, from 0."""
    return _order(p).argsort(-1)


def _along(x: Array, places: Array) -> Array:
    if x.ndim == 1:
        return x[places]
    return np.take_along_axis(x, places, -1) if isinstance(x, np.ndarray) else x.take_along_dim(places, -1)


def _only(p: Array, kept: Array) -> Array:
    q = p * kept
    return q / q.sum(-1, keepdims=True)
