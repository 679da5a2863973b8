"""Which of several models a text is most like: by how much, how surely, and where in the text it shows."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BLOCK = 200  # characters whose mean counts as one observation
FEWEST = 5  # blocks that an interval can be told from
PASSAGE = 120  # characters
_Z = 1.959964  # 97.5 % of a normal distribution lie below

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Difference:
    """How many nats per character one model saves against another, and its 95 % interval if the text is long enough."""

    mean: float
    low: float | None
    high: float | None
    blocks: int


@dataclass(frozen=True)
class Stretch:
    """Characters start to end of a text, over which one model saves so many nats per character against another."""

    start: int
    end: int
    saved: float


def difference(better: Floats, worse: Floats) -> Difference:
    """Compare two models' nats [N] of the same text, N ≥ 2; the first character is context and does not count.

    The interval takes blocks of BLOCK characters as independent of each other and is Student's t over their means.
    """
    saved = (worse.astype(np.float64) - better)[1:]
    mean, blocks = float(saved.mean()), len(saved) // BLOCK
    if blocks < FEWEST:
        return Difference(mean, None, None, blocks)
    means = saved[: blocks * BLOCK].reshape(blocks, BLOCK).mean(1)
    half = _t(blocks - 1) * float(means.std(ddof=1)) / math.sqrt(blocks)
    return Difference(mean, mean - half, mean + half, blocks)


def telling_passages(better: Floats, worse: Floats, count: int) -> tuple[list[Stretch], list[Stretch]]:
    """Return the passages of a text that speak most for one model, and those that speak most for the other."""
    saved = worse.astype(np.float64) - better
    starts = np.arange(0, len(saved), PASSAGE)
    means = np.array([saved[start : start + PASSAGE].mean() for start in starts])
    order = np.argsort(-means, kind="stable")
    passages = [Stretch(int(starts[i]), min(int(starts[i]) + PASSAGE, len(saved)), float(means[i])) for i in order]
    return [p for p in passages[:count] if p.saved > 0], [p for p in passages[::-1][:count] if p.saved < 0]


def ranked(means: Sequence[float]) -> list[int]:
    """Return the numbers of models, the one that a text is most like first."""
    return sorted(range(len(means)), key=lambda number: means[number])


def _t(freedom: int) -> float:
    """The 97.5 % quantile of Student's t, by Cornish and Fisher's expansion; to 0.3 % from 4 degrees of freedom on."""
    z, n = _Z, freedom
    terms = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96, (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + sum(term / n**power for power, term in enumerate(terms, start=1))
