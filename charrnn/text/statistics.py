"""What a text is like, in figures: its characters, and how well the few before a character tell it (its entropies)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from charrnn.text.corpus import Corpus
from charrnn.text.sources import Text

ORDERS = range(6)
ENTROPY_LIMIT = 10_000_000  # characters that the entropies are measured on: the first ones, in some 600 MB
_CHUNK = 1_000_000  # characters counted at once
_ENDS = 5  # commonest and rarest characters to name

Grams = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Statistics:
    """Figures of one text.

    `entropies` holds those of orders 0 to 5 in bits per character, measured on the first `entropy_characters`;
    `unseen` has, for each held-out part of the default split, the characters that the training part lacks, and how
    often each stands there.
    """

    characters: int
    distinct: int
    lines: int
    commonest: list[tuple[str, int]]
    rarest: list[tuple[str, int]]
    entropies: list[float]
    entropy_characters: int
    unseen: dict[str, dict[str, int]]


def statistics(text: Text) -> Statistics:
    """Measure a text of at least two characters.

    Raises:
        SourceError: the text has one character only.
    """
    corpus = Corpus.from_text(text)
    ids = np.concatenate(list(corpus.parts.values()))
    counts = _counts(ids, len(corpus.vocabulary))
    order = np.argsort(-counts, kind="stable")
    named = [(corpus.vocabulary.characters[i], int(counts[i])) for i in order]
    lines = text.characters.count("\n") + (not text.characters.endswith("\n"))
    return Statistics(
        len(ids),
        len(counts),
        lines,
        named[:_ENDS],
        named[::-1][:_ENDS],
        entropies(ids[:ENTROPY_LIMIT]),
        min(len(ids), ENTROPY_LIMIT),
        _unseen(corpus),
    )


def _counts(ids: npt.NDArray[np.integer], size: int) -> npt.NDArray[np.int64]:
    """How often each id occurs [V], counted in bounded memory."""
    counts = np.zeros(size, np.int64)
    for start in range(0, len(ids), _CHUNK):
        counts += np.bincount(ids[start : start + _CHUNK], minlength=size)
    return counts


def entropies(ids: npt.NDArray[np.integer]) -> list[float]:
    """Return H(X_n | the k characters before it) for k from 0 to 5, in bits per character, of ids [N], N ≥ 1.

    They are the text's own: what a k-gram table of counts, learned on this text, would give on this same text. The
    longer the context and the shorter the text, the more such a table knows it by heart. Of each order those
    characters count that have k characters before them. Memory: some 60 bytes for each character.

    >>> [round(bits, 3) for bits in entropies(np.array([0, 1, 0, 1, 0]))]
    [0.971, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    found, grams = [], np.zeros(len(ids), np.int64)  # the id of the k characters before each that has them
    for k in ORDERS:
        if not len(grams):
            found.append(0.0)
            continue
        longer = renumbered(grams * (int(ids.max()) + 1) + ids[k:])
        found.append(max(_bits(longer) - _bits(grams), 0.0))
        grams = longer[:-1]
    return found


def renumbered(grams: Grams) -> Grams:
    """Return the same grams [N] under the smallest numbers, so that the next character's id finds room beside them."""
    return np.unique(grams, return_inverse=True)[1]


def _bits(grams: Grams) -> float:
    """The entropy of how often each gram occurs, in bits."""
    share = np.bincount(grams) / len(grams)
    share = share[share > 0]
    return float(-(share * np.log2(share)).sum())


def _unseen(corpus: Corpus) -> dict[str, dict[str, int]]:
    seen = np.zeros(len(corpus.vocabulary), bool)
    seen[corpus.parts["train"]] = True
    unseen = {}
    for name, ids in corpus.parts.items():
        counts = _counts(ids, len(seen))
        strange = np.flatnonzero((counts > 0) & ~seen)
        unseen[name] = {corpus.vocabulary.characters[i]: int(counts[i]) for i in strange}
    del unseen["train"]
    return unseen
