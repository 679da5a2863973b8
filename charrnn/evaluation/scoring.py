"""How well a model predicts a text, in nats per character; the one measure that training and scoring share."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from charrnn.errors import StatesOverflowError, counted
from charrnn.model.cells import CellState
from charrnn.model.checkpoint import bits
from charrnn.model.network import CharRNN, State
from charrnn.text.symbols import Folded, last_characters, pieces_of, plain
from charrnn.text.vocabulary import UNKNOWN, Vocabulary

CHUNK = 256  # characters that each reader reads at once
STRETCH = 32768  # characters at most that a reader reads before the next block begins
SHORTEST = 10_000  # characters at least: below, a second reader costs more than it saves
SHORT = 1024  # the same where the first figures are to come soon
READERS = 32
SCORING = "scoring"  # the kind of work whose threads are chosen
CHARACTERS = 0x110000 - 0x800  # that Unicode has room for
UNKNOWN_NATS = math.log(CHARACTERS)  # each of them equally likely

# How far the states of two readings of the same text may be from each other to be the same: h, and c (which may be in
# the hundreds) relative to 1 + |c|. What is left of the difference is far below 1e-6 nats per character.
SAME_H, SAME_C = 1e-5, 1e-3
SAME_ROUNDED = 3e-2  # both, where bfloat16 rounds them

OnRead = Callable[[int], object]


class Folding(NamedTuple):
    """What U+FFFD costs beside its own nats where it stands for many characters, each equally likely."""

    id: int
    nats: float  # −ln of each one's share; itself is one of them

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> "Folding | None":
        """Return that of a vocabulary; None where it folds nothing."""
        if not vocabulary.folds:
            return None
        return cls(int(vocabulary.encode(UNKNOWN)[0]), math.log(CHARACTERS - len(vocabulary) + 1))


@dataclass(frozen=True, repr=False)
class Score:
    """How well a text was predicted: −ln p of each character given all before it, [N] in nats.

    The first character that the model knows is its context; it is not predicted, has 0, and does not count. Characters
    that the model does not know have UNKNOWN_NATS each; where its vocabulary folds them into U+FFFD, an equal share of
    that symbol's probability. Where the model knows no character at all there is no context, and every one counts.

    Symbols may be longer than a character: N counts them, and those that are predicted have `written` characters.
    """

    nats: npt.NDArray[np.float32]
    unknown: int
    total: float  # the sum of the nats, in float64
    context: int = 1  # characters that were not predicted
    written: int | None = None

    def __post_init__(self) -> None:
        if not math.isfinite(self.total):
            raise StatesOverflowError

    @property
    def characters(self) -> int:
        """Characters that were predicted."""
        return self.symbols if self.written is None else self.written

    @property
    def symbols(self) -> int:
        """Symbols that were predicted: characters, or longer ones."""
        return len(self.nats) - self.context

    @property
    def nats_per_symbol(self) -> float:
        """The mean over symbols."""
        return self.total / self.symbols

    @cached_property
    def nats_per_character(self) -> float:
        """The mean."""
        return self.total / self.characters

    @property
    def bits_per_character(self) -> float:
        """The mean in bits."""
        return bits(self.nats_per_character)

    @property
    def perplexity(self) -> float:
        """E to the mean, per character."""
        return math.exp(min(self.nats_per_character, 700))  # beyond it no number is large enough

    def __repr__(self) -> str:
        unknown = f", {self.unknown:,} of them unknown" if self.unknown else ""
        return (
            f"<Score: {self.nats_per_character:.4f} nats ({self.bits_per_character:.4f} bits) per character, "
            f"perplexity {self.perplexity:.3f}, over {counted(self.characters, 'character')}{unknown}>"
        )


def score_text(model: CharRNN, vocabulary: Vocabulary, text: str, on_read: OnRead = lambda characters: None) -> Score:
    """Score a text of N ≥ 2 characters; what the model does not know, it is not shown. See `score_blocks`."""
    return assembled(vocabulary, text, lambda ids: score_blocks(model, ids, on_read=on_read))


def assembled(vocabulary: Vocabulary, text: str, read: Callable[[npt.NDArray[np.integer]], Iterator[Tensor]]) -> Score:
    """Return the score of a text, given what yields the nats of the ids that the model reads, but the first's."""
    text = vocabulary.folded(text)
    known = vocabulary.knows(text)
    unknown = int((~known).sum())
    seen = known | vocabulary.folds
    ids = vocabulary.encode(text if vocabulary.folds else vocabulary.known(text))
    nats = np.where(seen, np.float32(0), np.float32(UNKNOWN_NATS))
    places = np.flatnonzero(seen)[1:]
    sums, start = [0.0 if vocabulary.folds else unknown * UNKNOWN_NATS], 0
    if (folding := Folding.of(vocabulary)) is not None:
        folded = places[ids[1:] == folding.id]
        nats[folded] = folding.nats
        sums.append(len(folded) * folding.nats)
    for block in read(ids) if len(places) else ():
        nats[places[start : start + len(block)]] += block.numpy()
        sums.append(_sum(block))
        start += len(block)
    context, written = int(seen.any()), None
    if isinstance(text, Folded):
        lengths = [len(piece) for piece in pieces_of(text)]
        written = sum(lengths) - (lengths[int(np.argmax(seen))] if context else 0)
    return Score(nats, unknown, math.fsum(sums), context, written)


def by_character(score: Score, text: str) -> npt.NDArray[np.float32]:
    """Return the nats of a text by its characters, those of a longer symbol at the last of it; others have 0."""
    if not isinstance(text, Folded):
        return score.nats
    nats = np.zeros(len(plain(text)), np.float32)
    nats[last_characters(text)] = score.nats
    return nats


def nats_per_character(
    model: CharRNN,
    ids: npt.NDArray[np.integer],
    precision: torch.dtype = torch.float32,
    on_read: OnRead = lambda characters: None,
    folding: Folding | None = None,
) -> float:
    """Return the mean of −ln p(character | all before it) over a text, ids [N], N ≥ 2.

    The first character is context and is not predicted, so the mean is over N − 1. What is folded is charged as in a
    `Score`. See `score_blocks` for how the text is read; `on_read` is told how many characters were read since it was
    last called.
    """
    charged = 0.0 if folding is None else folding.nats * np.count_nonzero(ids[1:] == folding.id)
    return math.fsum([charged, *map(_sum, score_blocks(model, ids, precision, on_read))]) / (len(ids) - 1)


def _sum(nats: Tensor) -> float:
    return float(nats.sum(dtype=torch.float64))


@torch.inference_mode()
def score_blocks(
    model: CharRNN,
    ids: npt.NDArray[np.integer],
    precision: torch.dtype = torch.float32,
    on_read: OnRead = lambda characters: None,
    first: int | None = None,
) -> Iterator[Tensor]:
    """Yield −ln p of all characters of a text but the first, in their order, block by block, on the CPU.

    The state is carried over the whole text, and memory is bounded. A block is read by up to READERS side by side.
    Each but the first begins with no memory; once all have ended, each whose predecessor ended in another state than
    it began with reads again from there, until its state is what it was at the same place before. The result is that
    of one pass; where a network never forgets how it began, it is as slow as one.

    Blocks are as large as is fast. Where the first is to have so many characters, each is twice as long as the one
    before, and read by more readers than is fastest, so that the first figures come soon.
    """
    state: State | None = None
    start, size, shortest = 0, first or READERS * STRETCH, SHORTEST if first is None else min(SHORTEST, SHORT)
    while start < len(ids) - 1:
        block = _Block(model, ids[start : start + size + 1], precision, shortest)
        yield block.read(state, on_read)
        state = block.last
        start, size = start + size, min(2 * size, READERS * STRETCH)


class _Block:
    """A stretch of text that several readers read side by side: R readers, T characters each."""

    def __init__(self, model: CharRNN, ids: npt.NDArray[np.integer], precision: torch.dtype, shortest: int) -> None:
        self._model, self._precision = model, precision
        self._predicted = len(ids) - 1
        self._readers = min(READERS, max(1, self._predicted // shortest))
        self._stretch = math.ceil(self._predicted / self._readers)
        padded = np.zeros(self._readers * self._stretch + 1, np.int64)
        padded[: len(ids)] = ids
        self._text = torch.from_numpy(padded).to(model.device)
        self._nats = torch.empty(self._readers, self._stretch, device=model.device)
        self._starts = _copied(model.initial_state(self._readers))
        self._chunks = 0  # that have been read once
        self._after = _many(self._starts, math.ceil(self._stretch / CHUNK))  # where the readers stood after each chunk

    def read(self, state: State | None, on_read: OnRead) -> Tensor:
        """Read all of it from a state (None: the start); return the nats [predicted]."""
        for layer, given in zip(self._starts, state or self._model.initial_state(1), strict=True):
            for part, value in zip(layer, given, strict=True):
                part[:1] = value
        everyone = torch.arange(self._readers)
        self._pass(everyone, on_read)
        for _ in range(self._readers):
            before = _rows(self.ends, everyone[:-1])
            wrong = 1 + self._differing(before, _rows(self._starts, everyone[1:])).nonzero()[:, 0]
            if not len(wrong):
                break
            _put(self._starts, wrong, _rows(self.ends, wrong - 1))
            self._pass(wrong, lambda characters: on_read(0))  # they were told of before
        return self._nats.flatten()[: self._predicted].cpu()

    @property
    def ends(self) -> State:
        """Where the readers stand at their ends."""
        return self._after[-1]

    @property
    def last(self) -> State:
        """Where the last of them stands, which is the block's end if all stretches are full."""
        return _rows(self.ends, torch.tensor([self._readers - 1]))

    def _pass(self, readers: Tensor, on_read: OnRead) -> None:
        """Let some readers read from their starts, until each is where it was the last time, or at its end."""
        state = _rows(self._starts, readers)
        for chunk, begin in enumerate(range(0, self._stretch, CHUNK)):
            end = min(begin + CHUNK, self._stretch)
            state = self._read_chunk(readers, begin, end, state)
            on_read(self._told(begin, end))
            if chunk == self._chunks:
                _put(self._after[chunk], readers, state)
                self._chunks += 1
                continue
            on = self._differing(state, _rows(self._after[chunk], readers)).nonzero()[:, 0]
            _put(self._after[chunk], readers, state)
            readers, state = readers[on], _rows(state, on)
            if not len(readers):
                break

    def _read_chunk(self, readers: Tensor, begin: int, end: int, state: State) -> State:
        places = (readers[:, None] * self._stretch + torch.arange(begin, end)).to(self._text.device)
        rounded = torch.autocast(places.device.type, self._precision, enabled=self._precision != torch.float32)
        kind = SCORING if len(readers) == self._readers else ""  # fewer are not as fast, for each
        with self._model.threads.piece(kind, places.numel()), rounded:
            logits, state = self._model(self._text[places], state)
            targets = self._text[places + 1].flatten()
            nats = F.cross_entropy(logits.float().flatten(0, 1), targets, reduction="none")
        self._nats[readers, begin:end] = nats.view(len(readers), -1)
        return _copied(state)

    def _told(self, begin: int, end: int) -> int:
        """How many of the text's characters the readers have between these places; the last stretch may be short."""
        short = self._readers * self._stretch - self._predicted
        return (self._readers - 1) * (end - begin) + max(0, min(end, self._stretch - short) - begin)

    def _differing(self, one: State, other: State) -> Tensor:
        """Tell for each row whether two states are not the same, bool [rows]."""
        rounded = self._precision != torch.float32
        h, c = (SAME_ROUNDED, SAME_ROUNDED) if rounded else (SAME_H, SAME_C)
        differs = torch.zeros(len(one[0][0]), dtype=torch.bool)
        for a, b in zip(one, other, strict=True):
            differs |= _far(a[0], b[0], h)
            if len(a) > 1:
                differs |= _far(a[1], b[1], c * (1 + b[1].abs()))
        return differs


def _far(one: Tensor, other: Tensor, allowed: Tensor | float) -> Tensor:
    return ((one - other).abs() > allowed).any(-1).cpu()


def _copied(state: State) -> State:
    """A state that may be written into and keeps nothing else alive."""
    return tuple(tuple(part.float().clone() for part in layer) for layer in state)


def _many(state: State, count: int) -> list[State]:
    """So many states of the same shape, in one piece: made one by one between large blocks, they split the heap."""
    parts = [[part.new_empty(count, *part.shape) for part in layer] for layer in state]
    return [tuple(tuple(part[i] for part in layer) for layer in parts) for i in range(count)]


def _rows(state: State, rows: Tensor) -> State:
    return tuple(tuple(part[rows.to(part.device)] for part in layer) for layer in state)


def _put(state: State, rows: Tensor, values: State) -> None:
    for layer, given in zip(state, values, strict=True):
        _put_layer(layer, rows, given)


def _put_layer(layer: CellState, rows: Tensor, given: CellState) -> None:
    for part, value in zip(layer, given, strict=True):
        part[rows.to(part.device)] = value
