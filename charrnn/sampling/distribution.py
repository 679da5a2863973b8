"""Logits -> probabilities: temperature, then top-k, top-p and min-p, as language-model users know them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.errors import check_range

Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class SamplingConfig:
    """How the next character is drawn, checked when it is made (ConfigError names the field and its range)."""

    temperature: float = 1.0  # 0: the most likely character, always
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None

    def __post_init__(self) -> None:
        check_range("temperature", self.temperature, 0, 1e6)
        if self.top_k is not None:
            check_range("top_k", self.top_k, 1, 0x110000)
        if self.top_p is not None:
            check_range("top_p", self.top_p, 1e-9, 1)
        if self.min_p is not None:
            check_range("min_p", self.min_p, 0, 1)


def probabilities(logits: Floats, config: SamplingConfig) -> Floats:
    """Return the probabilities [V] with which the next character is drawn, from its logits [V]."""
    x = np.asarray(logits, np.float64)
    if config.temperature == 0:
        return _only(np.ones_like(x), np.array([x.argmax()]))
    with np.errstate(over="ignore"):  # so far below the largest that its probability is 0
        p = softmax((x - x.max()) / config.temperature)
    if config.top_k is not None:
        p = top_k(p, config.top_k)
    if config.top_p is not None:
        p = top_p(p, config.top_p)
    if config.min_p is not None:
        p = min_p(p, config.min_p)
    return p


def softmax(logits: Floats) -> Floats:
    """Return exp(x) / Σ exp(x), along the last axis, in float64."""
    return np.exp(log_softmax(logits))


def log_softmax(logits: Floats) -> Floats:
    """Return x − ln Σ exp(x), along the last axis, in float64: finite even where its exp is not above 0."""
    x = np.asarray(logits, np.float64)
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def top_k(p: Floats, k: int) -> Floats:
    """Keep the k most likely characters; among equals, those with lower ids."""
    kept = np.argsort(-p, kind="stable")[:k]
    return _only(p, kept)


def top_p(p: Floats, mass: float) -> Floats:
    """Keep the fewest most likely characters that have at least the given mass together (Holtzman et al. 2020)."""
    order = np.argsort(-p, kind="stable")
    before = np.cumsum(p[order]) - p[order]
    return _only(p, order[before < mass])


def min_p(p: Floats, share: float) -> Floats:
    """Keep the characters that are at least `share` times as likely as the likeliest (Nguyen et al. 2024)."""
    return _only(p, np.flatnonzero(p >= share * p.max()))


def _only(p: Floats, kept: npt.NDArray[np.intp]) -> Floats:
    q = np.zeros_like(p)
    q[kept] = p[kept]
    return q / q.sum()
