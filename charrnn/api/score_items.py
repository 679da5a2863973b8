"""How well a model of items predicts each of some items, and which of its classes each is most like."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from charrnn.api.items import reading_of
from charrnn.api.result import Result
from charrnn.display.signs import one_line
from charrnn.errors import ConfigError, SourceError, counted
from charrnn.evaluation.item_scoring import item_blocks, per_item, perplexity
from charrnn.evaluation.scoring import Score, assembled
from charrnn.feedback import SILENT, Feedback
from charrnn.model.checkpoint import Checkpoint, bits
from charrnn.model.classes import labels_of, of_class
from charrnn.model.network import CharRNN
from charrnn.text.item_corpus import ItemFacts, ordered, sha256_of
from charrnn.text.items import Each, Items
from charrnn.text.reading import Reading
from charrnn.text.sources import listed
from charrnn.text.spec import read_items
from charrnn.text.store import fetch_missing
from charrnn.text.vocabulary import END

SORTS = ("text", "surprise")
Build = Callable[[Checkpoint], CharRNN]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ItemScore:
    """How well one item was predicted, in nats; its end is counted as a character.

    By label, `by_label` has the nats of the item as one of each class, `most_like` the class with the fewest, and
    `margin` how many fewer these are than those of the second.
    """

    text: str
    characters: int
    nats: float
    first_nats: float
    unknown: int
    symbols: int | None = None  # where they are longer than a character
    label: str | None = None
    most_like: str | None = None
    margin: float | None = None
    by_label: dict[str, float] | None = None
    character_nats: tuple[float, ...] = field(default=(), repr=False)

    @property
    def nats_per_character(self) -> float:
        """The mean."""
        return self.nats / self.characters

    def to_dict(self, with_nats: bool) -> dict[str, Any]:
        """Return it as JSON has it."""
        told = {name: value for name, value in asdict(self).items() if value is not None and name != "character_nats"}
        means = {"nats_per_character": self.nats_per_character, "perplexity": perplexity(self.nats, self.characters)}
        return told | means | ({"character_nats": list(self.character_nats)} if with_nats else {})


@dataclass(frozen=True)
class ItemScores(Result):
    """The scores of items, in their order or by surprise. Means are over all characters, ends counted.

    `accuracy` is the part of the items whose own label is the most likely one, where both are known.
    """

    items: tuple[ItemScore, ...]
    characters: int
    nats: float
    unknown: int
    accuracy: float | None = None
    with_nats: bool = False
    symbols: int | None = None  # where they are longer than a character

    def to_dict(self) -> dict[str, Any]:
        """Return what `charrnn score --json` prints."""
        mean = self.nats / self.characters
        return {
            "characters": self.characters,
            "nats_per_character": mean,
            "bits_per_character": bits(mean),
            "perplexity": perplexity(self.nats, self.characters),
            "unknown": self.unknown,
            **({} if self.symbols is None else {"symbols": self.symbols, "nats_per_symbol": self.nats / self.symbols}),
            "nats_per_item": self.nats / len(self.items),
            "accuracy": self.accuracy,
            "items": [item.to_dict(self.with_nats) for item in self.items],
        }

    def __str__(self) -> str:
        mean, unknown = self.nats / self.characters, f", {self.unknown:,} of them unknown" if self.unknown else ""
        doubt = perplexity(self.nats, self.characters)
        lines = [
            f"{mean:.4f} nats per character ({bits(mean):.4f} bits, perplexity {doubt:.3f}) over "
            f"{self.characters:,} characters{unknown}, the ends of {counted(len(self.items), 'item')} among them; "
            f"{self.nats / len(self.items):.3f} nats per item"
        ]
        if self.symbols is not None:
            lines.insert(0, f"{self.nats / self.symbols:.4f} nats per symbol over {self.symbols:,} symbols")
        if self.accuracy is not None:
            lines.append(f"The most likely class is the item's own for {self.accuracy:.2%} of the items.")
        lines.append("    nats  per char.  perplexity  first char.  " + "most like  " * self._by_label + "item")
        return "\n".join([*lines, *map(self._line, self.items)])

    @property
    def _by_label(self) -> bool:
        return any(item.most_like is not None for item in self.items)

    def _line(self, item: ItemScore) -> str:
        like = f"{one_line(item.most_like)} by {item.margin:.2f}  " if item.most_like is not None else ""
        return (
            f"{item.nats:8.3f}  {item.nats_per_character:9.3f}  {perplexity(item.nats, item.characters):10.2f}  "
            f"{item.first_nats:11.3f}  {like}{one_line(item.text)}"
        )


def score_items(
    checkpoint: Checkpoint,
    sources: Sequence[str],
    build: Build,
    *,
    each: str | None = None,
    part: str = "all",
    label: str | None = None,
    by_label: bool = False,
    sort: Literal["text", "surprise"] = "text",
    with_nats: bool = False,
    reading: Reading | None = None,
    feedback: Feedback = SILENT,
) -> ItemScores:
    """Score items by a model of items.

    Args:
        checkpoint: the model.
        sources: where the items are.
        build: makes a network of a checkpoint.
        each: how they are cut; None: as those that the model was trained on.
        part: all, train, val or test of the model's own items.
        label: the class that all are taken for; None: each item's own.
        by_label: measure each item as one of each class.
        sort: as they are read, or the most surprising first, by nats per character.
        with_nats: keep the nats of every character.
        reading: how bytes become characters; None: as for the model.
        feedback: where notes and counts go.

    Raises:
        SourceError: a source is not there, or has fewer than two items.
        ConfigError: the model is none of items, or a class is none of it or not named.
    """
    facts = checkpoint.header.corpus.items
    if facts is None:
        raise ConfigError("the model was not trained on items", "leave --each out, or train one with --each")
    if by_label and not labels_of(checkpoint):
        raise ConfigError("the model was trained without labels", "leave --by out, or train with --label")
    items = _read(checkpoint, sources, each, reading or reading_of(checkpoint), feedback)
    texts, labels = (items.texts, items.labels) if part == "all" else _part(items, checkpoint, facts, part)
    joined = END + END.join([*texts, ""])
    if by_label:
        found = {name: _score(of_class(checkpoint, name), joined, build) for name in facts.labels}
    else:
        chosen, classes = _classes(checkpoint, facts, label, labels)
        found = {"": _score(chosen, joined, build, classes)}
    return _told(checkpoint, texts, labels, joined, found, sort, with_nats)


def _read(
    checkpoint: Checkpoint, sources: Sequence[str], each: str | None, reading: Reading, feedback: Feedback
) -> Items:
    """The items, with their labels where the model has classes and the table has their column."""
    fetch_missing(sources, feedback=feedback)
    listing = listed(sources, reading)
    facts, spaced = checkpoint.header.corpus.items, checkpoint.vocabulary.is_spaced
    assert facts is not None  # the caller has looked
    way = each or facts.each
    if facts.label is not None and each is None and "-" not in sources:
        try:
            return read_items(listing, Each(way, facts.label, spaced=spaced), reading, feedback)
        except SourceError as error:
            if f"no column {facts.label}" not in error.problem:
                raise
    return read_items(listing, Each(way, spaced=spaced), reading, feedback)


def _part(
    items: Items, checkpoint: Checkpoint, facts: ItemFacts, part: str
) -> tuple[Sequence[str], Sequence[str] | None]:
    """The items of a part, by the split of the model's training."""
    texts, labels = ordered(items, facts.seed, facts.unique)
    if sha256_of(texts, labels) != checkpoint.header.corpus.sha256:
        raise ConfigError(
            f"these are not the items that the model was trained on ({checkpoint.header.corpus.name}), or they are "
            "read in another way",
            "give those, or leave --part out",
        )
    if part not in facts.split:
        raise ConfigError(f"the model's items have no {part} part", f"choose one of {', '.join(facts.split)}")
    start = 0
    for name, count in facts.split.items():
        if name == part:
            return texts[start : start + count], None if labels is None else labels[start : start + count]
        start += count
    raise AssertionError


def _classes(
    checkpoint: Checkpoint, facts: ItemFacts, label: str | None, labels: Sequence[str] | None
) -> tuple[Checkpoint, npt.NDArray[np.int32] | None]:
    """The model of a class, or the model and the classes of the items."""
    if label is not None or not facts.labels:
        return of_class(checkpoint, label), None
    if labels is None:
        raise ConfigError(
            f"the model has a class for each {facts.label}, and the items have none",
            "name one with --label, or ask for --by label",
        )
    numbers = {name: number for number, name in enumerate(facts.labels)}
    unseen = sorted(set(labels) - set(numbers))
    if unseen:
        raise ConfigError(
            f"the model was trained on no {facts.label} {unseen[0]}", "name one with --label, or ask for --by label"
        )
    return checkpoint, np.array([numbers[name] for name in labels], np.int32)


def _score(checkpoint: Checkpoint, joined: str, build: Build, classes: npt.NDArray[np.int32] | None = None) -> Score:
    network, end = build(checkpoint), checkpoint.vocabulary.end
    assert end is not None  # a model of items has it
    return assembled(checkpoint.vocabulary, joined, lambda ids: item_blocks(network, ids, end=end, classes=classes))


def _told(
    checkpoint: Checkpoint,
    texts: Sequence[str],
    labels: Sequence[str] | None,
    joined: str,
    found: dict[str, Score],
    sort: str,
    with_nats: bool,
) -> ItemScores:
    folded = list(map(checkpoint.vocabulary.folded, texts))
    lengths = np.array([len(text) + 1 for text in folded])
    ends = np.concatenate([[0], np.cumsum(lengths)])
    sums = {name: per_item(score.nats[1:], ends) for name, score in found.items()}
    best = np.min(list(sums.values()), 0)
    by_label = "" not in found
    likely = np.argsort(list(sums.values()), 0, kind="stable") if by_label else None
    names = list(found)
    rows = []
    for number, text in enumerate(texts):
        like = None if likely is None else names[likely[0, number]]
        nats = found[like or ""].nats[1 + ends[number] : 1 + ends[number + 1]]
        rows.append(
            ItemScore(
                text,
                len(text) + 1,
                float(best[number]),
                float(nats[0]),
                int((~checkpoint.vocabulary.knows(folded[number])).sum()),
                None if checkpoint.vocabulary.symbols is None else int(lengths[number]),
                None if labels is None else labels[number],
                like,
                None if likely is None else float(sums[names[likely[1, number]]][number] - best[number]),
                {name: float(values[number]) for name, values in sums.items()} if by_label else None,
                tuple(nats.tolist()) if with_nats else (),
            )
        )
    if sort == "surprise":
        rows.sort(key=lambda item: -item.nats_per_character)
    right = [item.label == item.most_like for item in rows] if by_label and labels is not None else []
    accuracy = sum(right) / len(right) if right else None
    unknown = sum(item.unknown for item in rows)
    symbols = None if checkpoint.vocabulary.symbols is None else int(lengths.sum())
    characters = sum(item.characters for item in rows)
    return ItemScores(tuple(rows), characters, float(best.sum()), unknown, accuracy, with_nats, symbols)
