"""Items as ids, in one order whatever their order was, and split by item at random. Knows no torch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b, sha256
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.errors import ConfigError, SourceError, check_choice, check_range, check_whole, counted
from charrnn.text.corpus import HELD_OUT, HELD_OUT_MOST, PART_NAMES, Corpus
from charrnn.text.encoding import Encoded, Ids, encode_aside
from charrnn.text.item_streams import ItemStreams
from charrnn.text.items import Items
from charrnn.text.symbols import Kind, Symbols
from charrnn.text.vocabulary import END

MOST_LABELS = 1000
_PIECE = 1 << 20  # characters encoded at once


@dataclass(frozen=True)
class ItemFacts:
    """What a checkpoint notes of the items that a model was trained on.

    They were cut by `each`, and split at random by `seed`; `split` counts the items of each part, `duplicates` those
    that an equal one stood before. `labels` are the classes, in the order of their numbers.
    """

    each: str
    seed: int
    split: dict[str, int]
    duplicates: int = 0
    unique: bool = False
    label: str | None = None
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_whole("the seed of the split", self.seed, 0, 2**63 - 1)
        check_whole("the count of duplicates", self.duplicates, 0, 2**53)
        check_whole("the number of labels", len(set(self.labels)), len(self.labels), MOST_LABELS)
        for name, count in self.split.items():
            check_choice("a part of the items", name, ("train", *PART_NAMES))
            check_whole(f"the items of {name}", count, 0, 2**53)

    @property
    def count(self) -> int:
        """How many items there are in all."""
        return sum(self.split.values())


@dataclass(frozen=True)
class ItemCorpus(Corpus):
    """Items as ids: each part is END, item, END, item, …, END, so that each symbol after the first is predicted.

    `classes` has the class of each item of a part, where items have labels. The parts overlap in the END between them.
    """

    facts: ItemFacts = field(default_factory=lambda: ItemFacts("line", 0, {}))
    classes: dict[str, npt.NDArray[np.int32]] = field(default_factory=dict)

    @classmethod
    def from_items(
        cls,
        items: Items,
        seed: int = 0,
        val_fraction: float | None = None,
        test_fraction: float | None = None,
        min_count: int = 1,
        kind: Kind = "character",
        known: Symbols | None = None,
    ) -> "ItemCorpus":
        """Encode items and split them at random by the seed; equal items come into the same part.

        A fraction is that of all items; None is `HELD_OUT`, but at most `HELD_OUT_MOST` characters. Characters that
        all items have fewer than `min_count` times are folded into U+FFFD. `kind` is that of their symbols, as
        `symbol_choice` has it; `known` are those that a model has already.

        Raises:
            ConfigError: the fractions leave nothing to train on, or min_count no character.
            SourceError: the labels are too many, or one only.
        """
        texts, labels = ordered(items, seed, items.each.unique)
        cuts, notes = _cuts(texts, val_fraction, test_fraction)
        encoded = encode_aside(_pieces(texts), min_count, kind, known)
        return cls._encoded(items, texts, labels, cuts, seed, encoded, notes)

    @classmethod
    def from_parts(cls, items: Items, parts: dict[str, Sequence[str]]) -> "ItemCorpus":
        """Encode items that are split already, train, val and test in this order: another's split, to compare with."""
        ends = np.cumsum([0, *(len(part) for part in parts.values())]).tolist()
        cuts = {name: (start, stop) for name, start, stop in zip(parts, ends[:-1], ends[1:], strict=True)}
        texts = [text for part in parts.values() for text in part]
        return cls._encoded(items, texts, None, cuts, 0, encode_aside(_pieces(texts)), ())

    @classmethod
    def _encoded(
        cls,
        items: Items,
        texts: list[str],
        labels: list[str] | None,
        cuts: dict[str, tuple[int, int]],
        seed: int,
        found: tuple[Encoded, Ids],
        notes: Sequence[str],
    ) -> "ItemCorpus":
        encoded, ids = found
        if ord(END) not in encoded.codes:
            raise ConfigError("min_count is more than there are items", "choose a smaller one")
        vocabulary = encoded.vocabulary
        ends = np.flatnonzero(ids == vocabulary.end)
        names, classes = _classes(items, labels)
        each = items.each
        facts = ItemFacts(
            each.way,
            seed,
            {name: stop - start for name, (start, stop) in cuts.items()},
            items.duplicates,
            each.unique,
            each.label,
            names,
        )
        return cls(
            items.about.name,
            sha256_of(texts, labels),
            items.about.licence,
            vocabulary,
            {name: ids[ends[start] : ends[stop] + 1] for name, (start, stop) in cuts.items()},
            items.about.source,
            (*items.about.notes, *_notes(items, facts, encoded), *notes),
            encoded.folded,
            facts,
            {name: classes[start:stop] for name, (start, stop) in cuts.items()} if labels else {},
        )

    def __len__(self) -> int:
        return sum(self.split.values())

    @property
    def split(self) -> dict[str, int]:
        """Symbols that are predicted in each part: the items' characters, and an END for each item."""
        return {name: len(part) - 1 for name, part in self.parts.items()}

    @property
    def characters(self) -> dict[str, int] | None:
        """Characters that are predicted in each part, where symbols are longer ones; None where they are not."""
        found = super().characters
        return found and {name: count - 1 for name, count in found.items()}

    @property
    def end(self) -> int:
        """The id of END."""
        return int(self.vocabulary.encode(END)[0])

    @property
    def line_beginnings(self) -> dict[str, int]:
        """None: a model of items begins them itself."""
        return {}

    def streams(self, batch_size: int, seq_length: int) -> ItemStreams:  # type: ignore[override]
        """Return the training part as batches of items."""
        classes = self.classes.get("train")
        return ItemStreams.over(self.parts["train"], self.end, batch_size, seq_length, self.facts.seed, classes)

    def items(self, part: str) -> list[str]:
        """Return the texts of a part's items, in the order of its ids."""
        return self.vocabulary.decode(self.parts[part][1:-1]).split(END)


def ordered(items: Items, seed: int, unique: bool = False) -> tuple[list[str], list[str] | None]:
    """Return the items in an order that depends on what they are and on the seed alone; equal ones stand side by side.

    If `unique`, one of equal ones is kept; their labels come beside them.
    """
    pairs: Any = zip(items.texts, items.labels or ("",) * len(items.texts), strict=True)
    key = seed.to_bytes(8, "little")
    pairs = dict.fromkeys(pairs) if unique else pairs
    keyed = sorted((blake2b(text.encode(), digest_size=16, key=key).digest(), text, label) for text, label in pairs)
    texts, labels = [text for _, text, _ in keyed], [label for _, _, label in keyed]
    return texts, labels if items.labels is not None else None


def _cuts(
    texts: Sequence[str], val_fraction: float | None, test_fraction: float | None
) -> tuple[dict[str, tuple[int, int]], list[str]]:
    """Which items, from where to where, are in each part; a cut between equal items moves behind them."""
    given, count = {"val": val_fraction, "test": test_fraction}, len(texts)
    held = {name: _held(name, texts, fraction) for name, fraction in given.items()}
    starts = {"val": count - held["val"] - held["test"], "test": count - held["test"]}
    if starts["val"] < 1:
        raise ConfigError(
            f"val_fraction and test_fraction leave none of {counted(count, 'item')} to train on",
            "choose smaller fractions",
        )
    bounds = [0, *(_behind_equals(texts, start) for start in starts.values()), count]
    parts = dict(zip(("train", "val", "test"), pairwise(bounds), strict=True))
    kept = {name: (start, stop) for name, (start, stop) in parts.items() if stop > start}
    left = [name for name in starts if name not in kept and given[name] != 0]
    return kept, [f"there are too few items for a {PART_NAMES[name]} part; it was left out" for name in left]


def _held(name: str, texts: Sequence[str], fraction: float | None) -> int:
    if fraction is None:
        mean = sum(map(len, texts)) / len(texts) + 1
        return int(min(len(texts) * HELD_OUT, HELD_OUT_MOST / mean))
    check_range(f"{name}_fraction", fraction, 0, 1)
    return int(len(texts) * fraction)


def _behind_equals(texts: Sequence[str], start: int) -> int:
    while 0 < start < len(texts) and texts[start] == texts[start - 1]:
        start += 1
    return start


def _pieces(texts: Sequence[str]) -> Iterator[str]:
    """END, item, END, …, END, some at a time."""
    yield END
    gathered, length = list[str](), 0
    for text in texts:
        gathered += text, END
        length += len(text)
        if length >= _PIECE:
            yield "".join(gathered)
            gathered, length = [], 0
    yield "".join(gathered)


def sha256_of(texts: Sequence[str], labels: Sequence[str] | None) -> str:
    """Return the SHA-256 of items and their labels, whatever their order."""
    digest = sha256()
    for text, label in sorted(zip(texts, labels or ("",) * len(texts), strict=True)):
        digest.update(f"{text}{END}{label}{END}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _classes(items: Items, labels: Sequence[str] | None) -> tuple[tuple[str, ...], npt.NDArray[np.int32]]:
    if labels is None:
        return (), np.zeros(0, np.int32)
    names = tuple(sorted(set(labels)))
    if not 1 < len(names) <= MOST_LABELS:
        raise SourceError(
            f"the column {items.each.label} of {items.about.name} has {counted(len(names), 'distinct label')}",
            f"choose a column with 2 to {MOST_LABELS:,}",
        )
    numbers = {name: number for number, name in enumerate(names)}
    return names, np.array([numbers[label] for label in labels], np.int32)


def _notes(items: Items, facts: ItemFacts, encoded: Encoded) -> Iterator[str]:
    if items.skipped:
        yield f"{counted(items.skipped, f'empty {items.each.noun}')} left out"
    if facts.duplicates and facts.unique:
        yield f"{facts.duplicates:,} of the {len(items):,} items repeat an earlier one and are left out"
    elif facts.duplicates:
        yield (
            f"{facts.duplicates:,} of the {len(items):,} items repeat an earlier one; equal items are never in two "
            "parts of the split (--unique keeps one of each)"
        )
    yield from encoded.notes()
