"""Items drawn from a model of items: which are new, which is nearest; bounded however many the text has."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from charrnn.api.result import Result
from charrnn.errors import CheckpointError, ConfigError, check_whole, counted
from charrnn.feedback import SILENT, Feedback
from charrnn.model.checkpoint import Checkpoint, locate
from charrnn.model.clamping import Clamp
from charrnn.model.classes import of_class
from charrnn.model.stepped_network import SteppedCharRNN
from charrnn.sampling.distribution import SamplingConfig
from charrnn.sampling.items import DrawnItem, ItemSampler
from charrnn.sampling.sampler import Sampler
from charrnn.text import store
from charrnn.text.catalogue import CATALOGUE
from charrnn.text.item_index import NAME, ItemIndex, Nearest
from charrnn.text.items import Each
from charrnn.text.reading import READING_OPTIONS, Reading
from charrnn.text.sources import listed
from charrnn.text.spec import read_items

TRIES = 1000  # items that are drawn, at most, for each that is wanted
PLAIN = SamplingConfig()
COMPARISONS = 200_000_000  # of an item with one of the text's, at most: minutes


@dataclass(frozen=True)
class SampledItem:
    """An item that begins with `prime` and goes on with `text`; `nats` are −ln p of what was drawn, its end counted.

    `in_text` and `nearest` are None where the text is not at hand.
    """

    prime: str
    text: str
    seed: int
    ended: bool
    nats: float
    in_text: bool | None
    nearest: str | None = None
    distance: int | None = None
    character_nats: tuple[float, ...] = field(default=(), repr=False)

    @property
    def item(self) -> str:
        """The whole item."""
        return self.prime + self.text


@dataclass(frozen=True)
class Choice:
    """Which items are kept: so many, those alone that are not in the text, and each once."""

    count: int
    new: bool = False
    distinct: bool = False

    def __post_init__(self) -> None:
        check_whole("count", self.count, 1, 10**12)


@dataclass
class Summary:
    """How many items were drawn, kept, and of those which; shares are of the kept."""

    drawn: int = 0
    kept: int = 0
    distinct: int = 0
    new: int | None = None  # not in the text; None where it is not at hand
    ended: int = 0
    nats: float = 0.0
    symbols: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return counts and shares."""
        shares = {f"{name}_share": self._share(getattr(self, name)) for name in ("distinct", "new", "ended")}
        counts = {name: getattr(self, name) for name in ("drawn", "kept", "distinct", "new", "ended")}
        return {**counts, **shares, "nats_per_character": self.nats / self.symbols if self.symbols else None}

    def _share(self, count: int | None) -> float | None:
        return None if count is None or not self.kept else count / self.kept

    def __str__(self) -> str:
        shares = [f"{name} {count / self.kept:.1%}" for name, count in self._counts() if self.kept]
        more = f", of {self.drawn:,} drawn" if self.drawn > self.kept else ""
        return f"{counted(self.kept, 'item')}{more}" + (f": {', '.join(shares)}" if shares else "")

    def _counts(self) -> Iterator[tuple[str, int]]:
        yield "distinct", self.distinct
        if self.new is not None:
            yield "new (not in the text)", self.new
        yield "ended by the model", self.ended


class SampledItems(Result):
    """Items as they are drawn: iterate over it once; `summary` tells of those so far.

    `index` says which items are in the text, and `nearest` which is nearest; both may be None.
    """

    def __init__(
        self,
        sampler: ItemSampler,
        choice: Choice,
        seed: int,
        prime: str = "",
        index: ItemIndex | None = None,
        nearest: Nearest | None = None,
        note: Callable[[str], object] = lambda line: None,
    ) -> None:
        if choice.new and index is None:
            raise ConfigError(
                "which items are new cannot be told: the text is not at hand",
                "name it with --text SOURCE, or give the run's folder, in which items.npy is",
            )
        self._sampler, self._choice, self._seed, self._prime = sampler, choice, seed, prime
        self._index, self._nearest, self._note = index, nearest, note
        self.summary = Summary(new=None if index is None else 0)
        self._seen: set[str] = set()

    def __iter__(self) -> Iterator[SampledItem]:
        summary, choice = self.summary, self._choice
        for drawn in self._sampler.draw(self._seed):
            if summary.kept == choice.count or self._gives_up():
                return
            summary.drawn += 1
            item = self._prime + drawn.text
            in_text = None if self._index is None else item in self._index
            known = item in self._seen
            if (choice.new and (in_text or not item)) or (choice.distinct and known):
                continue
            self._seen.add(item)
            self._count(drawn, in_text, known)
            yield self._told(drawn, in_text)

    def _gives_up(self) -> bool:
        """Whether so many items were drawn for so few that are wanted that there may be no more; told once."""
        summary, choice = self.summary, self._choice
        if summary.drawn < TRIES * (summary.kept + 1):
            return False
        kinds = " and ".join([*["new"] * choice.new, *["distinct"] * choice.distinct])
        self._note(
            f"only {summary.kept:,} of {choice.count:,} {kinds} items were found among {summary.drawn:,} drawn ones: "
            "a higher temperature, or another prime, may give more"
        )
        return True

    def _count(self, drawn: DrawnItem, in_text: bool | None, known: bool) -> None:
        summary = self.summary
        summary.kept += 1
        summary.distinct += not known
        summary.ended += drawn.ended
        summary.nats += sum(drawn.nats)
        summary.symbols += len(drawn.nats)
        if in_text is not None and summary.new is not None:
            summary.new += not in_text

    def _told(self, drawn: DrawnItem, in_text: bool | None) -> SampledItem:
        found: tuple[str | None, int | None] = (None, None)
        if self._nearest is not None and self.summary.kept * len(self._nearest) <= COMPARISONS:
            found = self._nearest.to(self._prime + drawn.text)
        nats = drawn.nats
        return SampledItem(self._prime, drawn.text, drawn.seed, drawn.ended, sum(nats), in_text, *found, nats)

    def to_dict(self) -> dict[str, Any]:
        """Draw all, and return them with the summary."""
        samples = [asdict(item) | {"item": item.item} for item in self]
        if self._nearest is not None and self.summary.kept * len(self._nearest) > COMPARISONS:
            told = COMPARISONS // len(self._nearest)
            self._note(f"the nearest item is told of the first {told:,} alone: of all it would take long")
        nats = self.summary.to_dict().pop("nats_per_character")
        return {"samples": samples, "summary": self.summary.to_dict(), "nats": nats}


def sample(
    checkpoint: Checkpoint,
    model: str,
    choice: Choice,
    length: int = 1000,
    prime: str = "",
    seed: int = 0,
    config: SamplingConfig = PLAIN,
    clamps: Sequence[Clamp] = (),
    label: str | None = None,
    text: Sequence[str] = (),
    nearest: bool = False,
    feedback: Feedback = SILENT,
) -> SampledItems:
    """Draw items from a model of items; the same seeds give the same items.

    Args:
        checkpoint: the model.
        model: what it was called by, in whose folder the index of its text's items may be.
        choice: how many items, and which.
        length: characters that an item may have after its prime.
        prime: what each begins with.
        seed: of the first; those of the others follow.
        config: how characters are drawn.
        clamps: units that are held.
        label: of the class, where the model has classes.
        text: the sources of the text, to tell what is new and what is nearest; (): by the index alone, and of a named
            set that is on this machine.
        nearest: whether to look for the nearest item.
        feedback: where notes go.

    Raises:
        ConfigError: the model is not one of items, has no such class, or the text is needed and not at hand.
        VocabularyError: the prime has characters that the model does not know.
    """
    facts = checkpoint.header.corpus.items
    if facts is None:
        raise ConfigError("the model was not trained on items", "train one with --each")
    plain = of_class(checkpoint, label)
    network = SteppedCharRNN(plain.config, plain.weights, clamps)
    drawing = ItemSampler(Sampler(network, plain.vocabulary, config), length, prime)
    found = _at_hand(checkpoint, text, nearest, feedback)
    index = ItemIndex.of(found) if text and found else _index_of(model)
    near = Nearest(found) if nearest and found else None
    return SampledItems(drawing, choice, seed, prime, index, near, feedback.note)


def _index_of(model: str) -> ItemIndex | None:
    """The index in the folder of a model; none of one that was kept in memory."""
    try:
        return ItemIndex.load(locate(model).parent / NAME)
    except CheckpointError:
        return None


def _at_hand(checkpoint: Checkpoint, text: Sequence[str], nearest: bool, feedback: Feedback) -> Sequence[str]:
    """The items of the text that is named, or of a named set that the model learned and that is on this machine."""
    corpus, facts = checkpoint.header.corpus, checkpoint.header.corpus.items
    assert facts is not None  # the caller has looked
    named = CATALOGUE.get(corpus.name)
    known = named is not None and (named.each, named.source) == (facts.each, corpus.source)
    known = known and store.is_here(corpus.name)
    sources = text or ((corpus.name,) if nearest and known else ())
    if not sources:
        return ()
    store.fetch_missing(sources, feedback=feedback)
    reading = reading_of(checkpoint)
    each = Each(facts.each, spaced=checkpoint.vocabulary.is_spaced)
    return read_items(listed(sources, reading), each, reading, feedback).texts


def reading_of(checkpoint: Checkpoint) -> Reading:
    """Return how the bytes of a model's text were decoded."""
    noted = {name: checkpoint.header.training.get(name) for name in READING_OPTIONS}
    return Reading(**{name: str(value) for name, value in noted.items() if value is not None})
