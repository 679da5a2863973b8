"""The text that a gallery looks at: the one named, the model's own, or one that the model writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from charrnn.api.limits import CONTEXT, SHORTEST_SEARCH
from charrnn.api.passage import check_length, part_of_text, read_sources, unseen_part
from charrnn.errors import ConfigError, SourceError
from charrnn.feedback import Feedback
from charrnn.model.checkpoint import locate
from charrnn.neurons.passages import passage_with
from charrnn.text.catalogue import CATALOGUE
from charrnn.text.reading import Reading
from charrnn.text.sources import read
from charrnn.text.store import is_here
from charrnn.training.resume import sources_of

if TYPE_CHECKING:
    from charrnn.api.model import Model


@dataclass(frozen=True)
class GalleryText:
    """The text that is looked at, and where it is from."""

    source: str
    part: str
    before: str  # all that stands before it in the whole
    characters: str
    split: dict[str, int]  # of the whole, by part; empty where that is not known

    @property
    def whole(self) -> str:
        """The text with what stands before it."""
        return self.before + self.characters

    @property
    def context(self) -> str:
        """What tells whether the text begins inside a comment or string, without all that stands before it."""
        return self.before[-CONTEXT:]

    def part_at(self, place: int) -> str:
        """The part of the whole text that a place is in, or "" where that is not known."""
        for name, count in self.split.items():
            if place < count:
                return name
            place -= count
        return ""

    def place(self, words: str) -> int:
        """Return where the passage with some words begins in the whole; one in this part comes first.

        Raises:
            ConfigError: there is none.
        """
        try:
            return len(self.before) + passage_with(self.characters, words)
        except ConfigError:
            return passage_with(self.whole, words)


def text_for(
    model: "Model",
    sources: Sequence[str],
    part: str | None,
    reading: Reading,
    characters: int,
    seed: int,
    feedback: Feedback,
) -> GalleryText:
    """Return the text of the sources; without any, the model's own where it is here, or else one that it writes.

    Raises:
        ConfigError: it is too short, or a part is asked for of a text that is not here.
    """
    own, is_own = model.checkpoint.header.corpus, not sources
    if is_own:
        sources, reading = _own_text(model, reading, feedback)
    if sources:
        if is_own and part is None and own.split.get("test", own.split.get("val", 0)) < SHORTEST_SEARCH:
            part = "all"
        found = _read(model, sources, part, reading, feedback)
    elif part not in (None, "all"):
        raise ConfigError(f"the model's own text ({own.name}) is not here", "name a SOURCE, or leave --part out")
    else:
        about = f"it writes {characters:,} characters itself (seed {seed})"
        feedback.note(f"the model's own text ({own.name}) is not here: {about}")
        with feedback.bar(characters, "writing") as bar:
            drawn = [(character, bar.update(1))[0] for character in model.sample(characters, seed=seed)]
        found = GalleryText("a text that the model wrote itself", "written", "", "".join(drawn), {})
    check_length(found.characters)
    return found


def _read(
    model: "Model", sources: Sequence[str], part: str | None, reading: Reading, feedback: Feedback
) -> GalleryText:
    """A part of the sources, of which the model knows all characters, with all that stands before it."""
    checkpoint, split = model.checkpoint, model.checkpoint.header.corpus.split
    text = read_sources(sources, reading, feedback)
    part = unseen_part(text, checkpoint, feedback) if part is None else part
    known = checkpoint.vocabulary.known(part_of_text(text, checkpoint, part, feedback))
    before = sum(split[name] for name in takewhile(lambda name: name != part, split)) if part != "all" else 0
    return GalleryText(" ".join(sources), part, text.characters[:before], known, split if part != "all" else {})


def _own_text(model: "Model", reading: Reading, feedback: Feedback) -> tuple[tuple[str, ...], Reading]:
    """Where the model's own text is, and how it is read: a corpus that is here, or what its run notes; or nothing."""
    own = model.checkpoint.header.corpus
    if own.name in CATALOGUE and is_here(own.name):
        return (own.name,), reading
    noted = sources_of(locate(model.name).parent) if model.name else None
    if noted is None or "-" in noted.sources:
        return (), reading
    try:
        same = noted.is_there(own.characters, feedback) and read(noted.sources, noted.reading).sha256 == own.sha256
    except SourceError:
        return (), reading
    if not same:
        feedback.note(f"{' '.join(noted.sources)} has changed since the model was trained on it")
    return (noted.sources, noted.reading) if same else ((), reading)
