"""The text that a gallery looks at: the one named, the model's own, or one that the model writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from charrnn.api.limits import CONTEXT
from charrnn.api.own_text import WRITER, own_part, own_text, refuse_part, written
from charrnn.api.passage import WRITTEN, check_length, read_extract
from charrnn.errors import ConfigError
from charrnn.feedback import Feedback
from charrnn.neurons.passages import passage_with
from charrnn.text.reading import Reading

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
    is_own = not sources
    if is_own:
        sources, reading = own_text(model, reading, feedback)
    if sources:
        found = _read(model, sources, part or (own_part(model) if is_own else None), reading, feedback)
    else:
        refuse_part(model, part)
        found = GalleryText(WRITER, WRITTEN, "", written(model, characters, seed, feedback), {})
    check_length(found.characters)
    return found


def _read(
    model: "Model", sources: Sequence[str], part: str | None, reading: Reading, feedback: Feedback
) -> GalleryText:
    """A part of the sources, of which the model knows all characters, with all that stands before it."""
    checkpoint, split = model.checkpoint, model.checkpoint.header.corpus.split
    extract = read_extract(checkpoint, sources, part, reading, feedback)
    part, known = extract.part, checkpoint.vocabulary.known(extract.text)
    before = sum(split[name] for name in takewhile(lambda name: name != part, split)) if part != "all" else 0
    whole = extract.whole.characters if extract.whole else ""
    return GalleryText(" ".join(sources), part, whole[:before], known, split if part != "all" else {})
