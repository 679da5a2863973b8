"""How surely a strength is known: resamples of blocks of the text, in each of which ranks are taken anew."""

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.neurons.measures import Labels

Floats = npt.NDArray[Any]
Numbers = npt.NDArray[np.intp]
RESAMPLES = 2000
MOST_BLOCKS = 100
CORRELATION_LENGTHS = 2  # that a block has at least
SHORTEST = 50  # characters of a block
FINE, COARSE = 4096, 64  # values that are told apart, of a predictor of a binary feature and of a count
FEW = 30  # blocks that tell, below which what was drawn may not reach as far as what was not
TAIL = 0.025
_FIRST = (-12.706, -4.303, -3.182, -2.776)  # Student's t at TAIL of 1, 2, … degrees of freedom


@dataclass(frozen=True)
class Blocks:
    """A cut of the text into blocks, and how often each resample has drawn each of them."""

    numbers: Numbers  # of the block of each place, [D]
    drawn: Floats  # [resamples, blocks]
    telling: int  # blocks in which the feature is on, or off: the rarer of both; all blocks of a count
    equal: float = 0.0  # as many blocks of equal shares of it tell as much (Kish); 0: as many as tell

    @property
    def count(self) -> int:
        """How many blocks there are."""
        return self.drawn.shape[1]

    def interval(self, own: float, resampled: Floats) -> tuple[float, float]:
        """Return the 95 % interval of a figure, which it is itself within.

        The percentiles lie further out than 2.5 and 97.5 where there are few blocks that tell, as Student's t has it,
        and it reaches as far as t standard deviations, as resamples of few do not. A single one tells nothing.
        """
        n = self.equal or float(self.telling)
        tail = 100 * tail_share(n)
        known = resampled[np.isfinite(resampled)]
        if self.telling < 2 or not len(known):
            return -1.0, 1.0
        low, high = np.percentile(known, [tail, 100 - tail])
        reach = -t_quantile(n) * float(known.std()) * (n / max(1, n - 1)) ** 0.5
        if n < FEW:
            low, high = max(-1.0, min(low, own - reach)), min(1.0, max(high, own + reach))
        return float(min(low, own)), float(max(high, own))


def t_quantile(count: float) -> float:
    """Return Student's t below which TAIL is, for n blocks: of n − 1 degrees of freedom."""
    z, v = NormalDist().inv_cdf(TAIL), max(1, count - 1)
    if v <= len(_FIRST):
        return float(np.interp(v, range(1, len(_FIRST) + 1), _FIRST))
    # Cornish and Fisher's expansion
    return z + (z**3 + z) / (4 * v) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)


def tail_share(count: float) -> float:
    """The share to cut off on each side so that a percentile interval over n blocks covers as Student's t does.

    That is Φ(√(n / (n − 1)) · t), t being the quantile of n − 1 degrees of freedom (Hesterberg 2015).
    """
    return NormalDist().cdf(t_quantile(count) * (count / max(1, count - 1)) ** 0.5)


def correlation_length(labels: Labels) -> int:
    """Return after how many places labels [D] keep less than 1/e of their correlation with themselves."""
    centred = labels.targets.astype(np.float64) - labels.targets.mean()
    spectrum = np.abs(np.fft.rfft(centred, 2 * len(centred))) ** 2
    correlation = np.fft.irfft(spectrum)[: len(centred)]
    below = np.flatnonzero(correlation < correlation[0] / np.e)
    return int(below[0]) if len(below) else len(centred)


def episodes(labels: Labels) -> int:
    """Count how often a binary feature comes on, or a count begins anew, at lower values than before."""
    changes = np.diff(labels.values)
    return int((changes > 0).sum() + (labels.values[0] == 1)) if labels.binary else int((changes < 0).sum() + 1)


def blocks(labels: Labels, stretches: Numbers, random: np.random.Generator) -> Blocks:
    """Cut labels at D places, each in the stretch of a number [D], into blocks and draw them with replacement.

    A block is within one stretch, has twice the labels' correlation length or all of its stretch, and ends where no
    episode of the feature is under way.
    """
    values, total = labels.values, len(labels.values)
    length = max(SHORTEST, CORRELATION_LENGTHS * correlation_length(labels), -(-total // MOST_BLOCKS))
    ends = values == 0 if labels.binary else np.diff(values, prepend=values[:1]) < 0
    next_end = np.minimum.accumulate(np.where(ends, np.arange(total), total)[::-1])[::-1]
    borders = [*np.flatnonzero(np.diff(stretches, prepend=stretches[:1])).tolist(), total]
    cuts, begin = [0], 0
    for border in borders:
        for cut in np.linspace(begin, border, max(1, (border - begin) // length) + 1)[1:-1].astype(int):
            if cuts[-1] + length // 2 < (moved := int(next_end[cut])) < border - length // 2:
                cuts.append(moved)
        cuts.append(border)
        begin = border
    inner = sorted({cut for cut in cuts if 0 < cut < total})
    numbers = np.zeros(total, np.intp)
    numbers[inner] = 1
    count = len(inner) + 1
    drawn = random.multinomial(count, np.full(count, 1 / count), RESAMPLES).astype(np.float64)
    each = np.cumsum(numbers)
    shares = [np.bincount(each[values == value], minlength=count) for value in (0, 1)] if labels.binary else []
    telling = min((int(np.count_nonzero(share)) for share in shares), default=count)
    equal = min((share.sum() ** 2 / max(1, (share.astype(float) ** 2).sum()) for share in shares), default=float(count))
    return Blocks(each, drawn, telling, float(equal))


def resampled_strengths(values: Floats, labels: Labels, over: Blocks) -> Floats:
    """Return a predictor's strength, its values [D] at the labels' places, in each resample; NaN where none is."""
    if labels.binary:
        return _binary(values, labels, over)
    return _continuous(values, labels, over)


def _binary(values: Floats, labels: Labels, over: Blocks) -> Floats:
    """2 · AUC − 1 from pairs: how many places of block b with the feature are above how many of block c without."""
    levels = _levels(values, FINE)
    size = int(levels.max()) + 1
    on = labels.values == 1
    cells = over.numbers * size + levels
    with_it = np.bincount(cells[on], minlength=over.count * size).reshape(over.count, size).astype(np.float64)
    without = np.bincount(cells[~on], minlength=over.count * size).reshape(over.count, size).astype(np.float64)
    above = with_it @ (without.cumsum(1) - without / 2).T  # [blocks, blocks]
    drawn = over.drawn
    with np.errstate(invalid="ignore", divide="ignore"):
        pairs = (drawn @ with_it.sum(1)) * (drawn @ without.sum(1))
        return 2 * ((drawn @ above) * drawn).sum(1) / pairs - 1


def _continuous(values: Floats, labels: Labels, over: Blocks) -> Floats:
    """Spearman's ρ of every resample, from counts of how often two levels of the values and labels come together."""
    x, y = _levels(values, COARSE), _levels(labels.values, COARSE)
    shape = (over.count, int(x.max()) + 1, int(y.max()) + 1)
    cells = np.bincount(np.ravel_multi_index((over.numbers, x, y), shape), minlength=int(np.prod(shape)))
    together = (over.drawn @ cells.reshape(over.count, -1)).reshape(-1, *shape[1:])  # [resamples, levels, levels]
    first, second = together.sum(2), together.sum(1)
    ranks, targets = _centred(first), _centred(second)
    with np.errstate(invalid="ignore", divide="ignore"):
        products = (together @ targets[:, :, None])[:, :, 0]
        spread = (first * ranks**2).sum(1) * (second * targets**2).sum(1)
        return (products * ranks).sum(1) / np.sqrt(spread)


def _centred(counts: Floats) -> Floats:
    """The midranks of levels that are there so often, [resamples, levels], less their mean."""
    return counts.cumsum(1) - counts / 2 - counts.sum(1, keepdims=True) / 2


def _levels(values: Floats, most: int) -> Numbers:
    """Number values [D] by their order, equal ones alike; about `most` levels where there are more."""
    distinct, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    if len(distinct) <= most:
        return inverse.astype(np.intp)
    level = (np.cumsum(counts) - counts // 2) * most // len(values)
    return np.unique(level, return_inverse=True)[1].astype(np.intp)[inverse]
