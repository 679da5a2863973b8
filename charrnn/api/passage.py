"""Passage: a look at a text, as every method takes it: its ids, which part it is, what stands before it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from charrnn.api.limits import CONTEXT, SHORTEST_SEARCH, TRAINING
from charrnn.errors import ConfigError, VocabularyError, counted
from charrnn.feedback import SILENT, Feedback
from charrnn.text.corpus import part_of
from charrnn.text.item_corpus import ordered, sha256_of
from charrnn.text.items import WAYS, Each, cut
from charrnn.text.reading import DEFAULT, READING_OPTIONS, Reading
from charrnn.text.sources import Text, listed, read
from charrnn.text.spec import read_items
from charrnn.text.store import fetch_missing
from charrnn.text.vocabulary import END

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from charrnn.model.checkpoint import Checkpoint


WRITTEN = "written"
UNSEEN = ("test", "val")  # parts that a model is not trained on


def title_of(source: Sequence[str]) -> str:
    """Return what a person calls the sources of a text."""
    return " ".join("standard input" if each == "-" else each for each in source)


@dataclass(frozen=True)
class Passage:
    """A text, or a part of one, as a model reads it.

    Characters that the model does not know are folded into U+FFFD, where it has such a character, or left out.
    """

    text: str  # the characters that the ids stand for; of longer symbols, a folded text
    ids: "npt.NDArray[np.integer]"  # [T]
    model: str = ""  # what the model was called by
    source: tuple[str, ...] = ()
    part: str = "all"  # of the model's own text: all, train, val or test; WRITTEN: the model wrote it itself
    start: int = 0  # where the part begins in the whole text, in characters
    before: str = ""  # what stands before it, at most CONTEXT characters
    training: str = field(default="", repr=False)  # the end of the train part, of a part that is not trained on

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def title(self) -> str:
        """What a person calls its source."""
        return title_of(self.source)

    def origin(self) -> dict[str, Any]:
        """Return what a result says of the passage that it is of."""
        return {"model": self.model, "source": list(self.source), "part": self.part}


@dataclass(frozen=True)
class Extract:
    """A text, or a part of one, with all its characters: those too that a model does not know."""

    text: str
    source: tuple[str, ...] = ()
    part: str = "all"  # of the model's own text: all, train, val or test; WRITTEN: the model wrote it itself
    whole: Text | None = field(default=None, repr=False)  # that it is a part of


def read_extract(
    checkpoint: "Checkpoint",
    sources: Sequence[str],
    part: str | None = "all",
    reading: Reading = DEFAULT,
    feedback: Feedback = SILENT,
) -> Extract:
    """Read a text, or a part of it, with all its characters; arguments and errors as of `read_passage`."""
    whole = read_items_as_text(checkpoint, sources, reading, feedback) or read_sources(sources, reading, feedback)
    whole = folded(whole, checkpoint)
    part = unseen_part(whole, checkpoint, feedback) if part is None else part
    return Extract(part_of_text(whole, checkpoint, part, feedback), tuple(sources), part, whole)


def passage_of(checkpoint: "Checkpoint", text: str, name: str = "", feedback: Feedback = SILENT) -> Passage:
    """Return a string as a passage.

    Raises:
        VocabularyError: the model knows no character of it.
    """
    ids = encode(checkpoint, as_read(checkpoint, text), feedback)
    return Passage(checkpoint.vocabulary.decode_folded(ids), ids, name)


def as_read(checkpoint: "Checkpoint", text: str) -> str:
    """Return a string as a model reads it: one of items, cut into those as its own text was, or else into lines."""
    items = checkpoint.header.corpus.items
    if items is None or END in text:
        return text
    each = Each(items.each if items.each in WAYS else "line")
    return joined(item for item, _ in cut(text, each) if item)


def read_passage(
    checkpoint: "Checkpoint",
    sources: Sequence[str],
    *,
    part: str | None = None,
    characters: int | None = None,
    reading: Reading = DEFAULT,
    name: str = "",
    feedback: Feedback = SILENT,
) -> Passage:
    """Read a text, or a part of it, from files, folders or named corpora.

    Args:
        checkpoint: the model that is to read it.
        sources: what SOURCE is on the command line.
        part: all, train, val or test; None: of the model's own text one that it was not trained on, else all.
        characters: how many to read at most, of those that the model knows.
        reading: how bytes become characters.
        name: what the model was called by.
        feedback: where notes and counts go.

    Raises:
        SourceError: a source is not there, or is no text.
        ConfigError: a part is asked for and the text is not the one that the model was trained on.
        VocabularyError: the model knows no character of it.
    """
    extract = read_extract(checkpoint, sources, part, reading, feedback)
    split, part = checkpoint.header.corpus.split, extract.part
    start = sum(split[each] for each in takewhile(lambda each: each != part, split if part != "all" else ()))
    chosen = extract.text if characters is None else beginning(checkpoint, extract.text, characters)
    ids = encode(checkpoint, chosen, feedback)[:characters]
    whole, trained = extract.whole.characters if extract.whole else "", split["train"] if part in UNSEEN else 0
    before, training = whole[max(0, start - CONTEXT) : start], whole[max(0, trained - TRAINING) : trained]
    return Passage(checkpoint.vocabulary.decode_folded(ids), ids, name, tuple(sources), part, start, before, training)


@dataclass(frozen=True)
class HashedText(Text):
    """A text that another one was made of, whose hash it has.

    It is made of items, END before each and after the last, in the order of their split; or its symbols are folded.
    """

    hash: str = ""

    @property
    def sha256(self) -> str:
        """SHA-256 of the items, whatever their order, or of the text that was folded."""
        return self.hash


def folded(text: Text, checkpoint: "Checkpoint") -> Text:
    """Return a text with one character for each symbol of a model; where those are characters, the text itself."""
    if checkpoint.vocabulary.symbols is None:
        return text
    made = checkpoint.vocabulary.folded(text.characters)
    return HashedText(text.name, made, text.licence, text.source, text.notes, text.sha256)


def read_items_as_text(
    checkpoint: "Checkpoint", sources: Sequence[str], reading: Reading, feedback: Feedback
) -> Text | None:
    """Read the sources as a model of items does; None where it is none."""
    facts = checkpoint.header.corpus.items
    if facts is None:
        return None
    fetch_missing(sources, feedback=feedback)
    each = Each(facts.each, facts.label, facts.unique, checkpoint.vocabulary.is_spaced)
    items = read_items(listed(sources, reading), each, reading, feedback)
    texts, labels = ordered(items, facts.seed, facts.unique)
    about = items.about
    return HashedText(about.name, joined(texts), about.licence, about.source, about.notes, sha256_of(texts, labels))


def joined(texts: Iterable[str]) -> str:
    """Return items as one text: END, item, END, …, item, END."""
    return END + END.join([*texts, ""])


def check_length(text: str) -> None:
    """Raise ConfigError where a text is too short to look for features in."""
    if len(text) < SHORTEST_SEARCH:
        known = counted(len(text), "character")
        raise ConfigError(f"the text has {known} that the model knows", f"give {SHORTEST_SEARCH:,} or more")


def read_sources(sources: Sequence[str], reading: Reading = DEFAULT, feedback: Feedback = SILENT) -> Text:
    """Read the sources as one text, and fetch the named corpora among them first where they are missing."""
    fetch_missing(sources, feedback=feedback)
    return read(sources, reading)


def unseen_part(text: Text, checkpoint: "Checkpoint", feedback: Feedback) -> str:
    """Return the part of a text that the model was not trained on, where the text is its own, else all."""
    corpus = checkpoint.header.corpus
    unseen = [name for name in UNSEEN if name in corpus.split and text.sha256 == corpus.sha256]
    if not unseen:
        return "all"
    told = f"over the {unseen[0]} part of {text.name}, on which the model was not trained (--part chooses another)"
    feedback.note(told)
    return unseen[0]


def part_of_text(text: Text, checkpoint: "Checkpoint", part: str, feedback: Feedback = SILENT) -> str:
    """Return the part of a text that the model's split names, after the text's notes; errors as of `read_passage`."""
    for line in text.notes:
        feedback.note(line)
    corpus = checkpoint.header.corpus
    same = text.sha256 == corpus.sha256
    if part == "all":
        if same:
            unseen = " or ".join(f"--part {name}" for name in corpus.split if name != "train")
            noun = checkpoint.vocabulary.noun
            seen = f"the model was trained on the first {corpus.split['train']:,} of these {noun}s"
            feedback.note(f"{seen}; {unseen} is text that it has not seen" if unseen else seen)
        return text.characters
    if not same:
        raise ConfigError(
            f"this is not the text that the model was trained on ({corpus.name}), or it is read in another way",
            f"give {_reading_of(checkpoint)}, or leave --part out",
        )
    if part not in corpus.split:
        raise ConfigError(f"the model's text has no {part} part", f"choose one of {', '.join(corpus.split)}")
    chosen = part_of(text, corpus.split, part)
    return chosen + END if corpus.items else chosen  # the last item's is the first of the next part


def _reading_of(checkpoint: "Checkpoint") -> str:
    """The options with which the model's text was read, as far as its training noted any."""
    noted = {name: checkpoint.header.training.get(name) for name in READING_OPTIONS}
    typed = [f"--{name} {value}" for name, value in noted.items() if value is not None]
    told = " ".join(typed) if typed else "the --encoding, --errors, --newlines and --normalize"
    return f"{told}{', as its training did' if typed else ' of its training'}"


def beginning(checkpoint: "Checkpoint", text: str, count: int) -> str:
    """Return as much of a text as holds so many characters that the model knows: the rest need not be encoded."""
    length = count
    while length < len(text) and len(checkpoint.vocabulary.known(text[:length])) < count:
        length *= 2
    return text[:length]


def encode(checkpoint: "Checkpoint", text: str, feedback: Feedback = SILENT) -> "npt.NDArray[np.integer]":
    """Return the ids of a text's characters; a note counts those unknown, which are folded or else left out.

    Raises:
        VocabularyError: the model knows no character of it.
    """
    vocabulary = checkpoint.vocabulary
    text = vocabulary.folded(text)
    known, noun = vocabulary.known(text), vocabulary.noun
    unknown = f"{counted(len(text) - len(known), noun)} that the model has never seen"
    if len(known) < len(text) and (form := vocabulary.form_of(text, ("NFC", "NFKC"))):
        unknown += f" (with --normalize {form.lower()} it knows the text)"
    if vocabulary.folds:
        if len(known) < len(text):
            feedback.note(f"read as U+FFFD: {unknown}")
        return vocabulary.encode(text)
    if not known:
        raise VocabularyError(f"the model knows no {noun} of this text", "give a text like the one it was trained on")
    if len(known) < len(text):
        feedback.note(f"left out: {unknown}")
    return vocabulary.encode(known)
