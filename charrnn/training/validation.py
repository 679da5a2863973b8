"""Measuring a held-out text with a clock: as much of it as there is time for, always from its beginning."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter

import numpy as np
import numpy.typing as npt
import torch

from charrnn.evaluation.item_scoring import Blocks, item_blocks
from charrnn.evaluation.scoring import Folding, score_blocks
from charrnn.model.checkpoint import Figures
from charrnn.model.network import CharRNN
from charrnn.text.corpus import Corpus
from charrnn.text.item_corpus import ItemCorpus

COST = 0.05  # of a budget in minutes at most goes into milestones, as much into validation, and into each final figure
SHARE = 0.02  # of it at most goes into one validation
RESERVE = 0.1  # of it at most is kept for the last one, beyond its share, so that it reads all
SPARE = 1.1  # times as long as measured may be needed
SLICE = 8192  # characters of the first slice; each is twice as long as the one before


@dataclass(frozen=True)
class Measured:
    """The loss over the first characters of a text, in nats per character; NaN where none was read in time."""

    nats: float
    characters: int  # that were predicted
    whole: bool
    sums: tuple[float, ...] = ()  # nats of all characters up to the end of each slice that was read
    seconds: float = 0.0

    def lower_than(self, other: "Measured | None") -> bool:
        """Whether it is the lower loss, on the characters that both were measured on."""
        if other is None or math.isnan(other.nats):
            return True
        common = min(len(self.sums), len(other.sums))
        if not common or (self.whole and other.whole):
            return self.nats < other.nats
        return self.sums[common - 1] < other.sums[common - 1]


class _TimeUpError(Exception):
    """The time for a measurement is used up."""


def measured(
    model: CharRNN,
    ids: npt.NDArray[np.integer],
    precision: torch.dtype = torch.float32,
    folding: Folding | None = None,
    on_read: Callable[[int], object] = lambda characters: None,
    seconds: float | None = None,
    pace: float = 0.0,
    at_least_a_slice: bool = False,
    clock: Callable[[], float] = perf_counter,
    blocks: Blocks = score_blocks,
) -> Measured:
    """Measure a model on a text, ids [N], N ≥ 2, in `seconds` at most (None: whole, however long it takes).

    Where the text can be read in that time at a pace [characters per second] it is read as `score_blocks` reads
    fastest, else slice by slice: what was read when the time is up counts, up to the end of a slice. The state is
    carried on from slice to slice. `blocks` yields the nats, as `score_blocks` does.
    """
    begun, read = clock(), 0

    def go_on(characters: int) -> None:
        on_read(characters)
        free = seconds is None or (at_least_a_slice and not fits and not read)
        if not free and clock() - begun > (seconds or 0.0):
            raise _TimeUpError

    fits = seconds is None or len(ids) < seconds * pace
    totals: list[float] = []
    found: list[npt.NDArray[np.float32]] = []
    try:
        go_on(0)
        for block in blocks(model, ids, precision, go_on, None if fits else SLICE):
            totals.append(float(block.sum(dtype=torch.float64)))
            found.append(block.numpy())
            read += len(block)
    except _TimeUpError:
        if fits and at_least_a_slice and not read:  # it is slower than it was
            return measured(model, ids, precision, folding, on_read, seconds, 0.0, at_least_a_slice, clock, blocks)
    charged = np.cumsum(ids[1 : read + 1] == folding.id) * folding.nats if folding and read else np.zeros(read)
    sums = np.cumsum(np.concatenate([[], *found]), dtype=np.float64) + charged
    ends = [end for end in _ends(len(ids) - 1) if end <= read]
    nats = math.fsum([*charged[-1:], *totals]) / read if read else math.nan
    return Measured(nats, read, read == len(ids) - 1, tuple(sums[end - 1] for end in ends), clock() - begun)


class Validator:
    """The held-out parts of a corpus as a run measures them: whole, or in a share of a budget of so many seconds."""

    def __init__(
        self, corpus: Corpus, precision: torch.dtype, budget: float | None, clock: Callable[[], float] = perf_counter
    ) -> None:
        self._corpus, self._precision, self._budget, self._clock = corpus, precision, budget, clock
        self.best: Measured | None = None  # the lowest validation loss so far
        self._latest: tuple[int, Measured] | None = None  # the latest one, and after which step
        self._pace = 0.0  # characters per second of the latest measurement

    def validate(
        self, model: CharRNN, step: int, last: float | None, on_read: Callable[[int], object]
    ) -> tuple[Measured, bool]:
        """Measure the validation part; return also whether it is the best so far.

        `last` is None before the last one; then, the seconds that were reserved for it.
        """
        share, extra = (SHARE, 0.0) if last is None else (COST, last)
        found = self._measure(model, "val", share, self._precision, on_read, last is not None, extra)
        better = math.isfinite(found.nats) and found.lower_than(self.best)
        self.best = found if better else self.best
        self._latest = step, found
        return found, better

    def reserve(self) -> float:
        """Return the seconds that the last validation needs beyond its share, by the latest one; 0 if too many."""
        if self._budget is None or not self._pace:
            return 0.0
        more = SPARE * len(self._corpus.parts["val"]) / self._pace - COST * self._budget
        return more if 0 < more <= RESERVE * self._budget else 0.0

    def final(self, model: CharRNN, figures: Figures) -> Figures:
        """Measure the best model on each held-out part, in float32, and return its figures with these.

        Where the latest validation has done that already, in the same way, its figure stands, whole or not.
        """
        step, known = self._latest or (-1, Measured(math.nan, 0, False))
        same = (
            step == figures.step
            and known.characters
            and self._precision == torch.float32
            and model.device.type == "cpu"
        )
        for part in ("val", "test"):
            found = None
            if part in self._corpus.parts:
                found = known if same and part == "val" else self._measure(model, part)
            figures = _with(figures, part, found)
        return figures

    def _measure(
        self,
        model: CharRNN,
        part: str,
        share: float = COST,
        precision: torch.dtype = torch.float32,
        on_read: Callable[[int], object] = lambda characters: None,
        at_least_a_slice: bool = True,
        extra: float = 0.0,
    ) -> Measured:
        folding, ids = Folding.of(self._corpus.vocabulary), self._corpus.parts[part]
        blocks = blocks_of(self._corpus, part)
        seconds = None if self._budget is None else share * self._budget + extra
        found = measured(
            model, ids, precision, folding, on_read, seconds, self._pace, at_least_a_slice, self._clock, blocks
        )
        self._pace = found.characters / max(1e-9, found.seconds)
        return found


def blocks_of(corpus: Corpus, part: str) -> Blocks:
    """Return what yields the nats of a part: of a text that is read on, or of items that each begin anew."""
    if not isinstance(corpus, ItemCorpus):
        return score_blocks
    return partial(item_blocks, end=corpus.end, classes=corpus.classes.get(part))


def _with(figures: Figures, part: str, found: Measured | None) -> Figures:
    """Figures with the loss on a part, and of how many characters it is; without it where it is no number."""
    nats = found.nats if found and math.isfinite(found.nats) else None
    characters = None if found is None or nats is None or found.whole else found.characters
    if part == "val":
        return replace(figures, val_nats=nats, val_characters=characters)
    return replace(figures, test_nats=nats, test_characters=characters)


def _ends(characters: int) -> Iterator[int]:
    """Where the slices of a text end, whichever way it is read.

    >>> list(_ends(60_000))
    [8192, 24576, 57344, 60000]
    """
    end, size = 0, SLICE
    while end + size < characters:
        end, size = end + size, 2 * size
        yield end
    yield characters
