"""The text that `charrnn neurons gallery` looks at: the one named, the model's own, or one that the model writes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from charrnn.api.limits import CONTEXT, SHORTEST_SEARCH
from charrnn.cli.common import FEEDBACK, note, progress_bar, read_unseen
from charrnn.errors import counted
from charrnn.text.reading import Reading

if TYPE_CHECKING:
    from charrnn.model.checkpoint import Checkpoint


@dataclass(frozen=True)
class GalleryText:
    """The text that is looked at, and where it is from."""

    source: str
    part: str
    before: str
    characters: str
    split: dict[str, int]  # of the whole, by part; empty where that is not known

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
        from charrnn.errors import ConfigError
        from charrnn.neurons.passages import passage_with

        try:
            return len(self.before) + passage_with(self.characters, words)
        except ConfigError:
            return passage_with(self.before + self.characters, words)


def text_for(
    model: str, checkpoint: "Checkpoint", sources: tuple[str, ...], part: str | None, reading: Reading, characters: int,
    seed: int,
) -> GalleryText:  # fmt: skip
    """Return the text of the sources; without any, the model's own where it is here, or else one that it writes.

    Raises:
        ConfigError: it is too short, or a part is asked for of a text that is not here.
    """
    from charrnn.errors import ConfigError

    own = checkpoint.header.corpus
    own_text = not sources
    if own_text:
        sources, reading = _own_text(model, checkpoint, reading)
    if sources:
        if own_text and part is None and own.split.get("test", own.split.get("val", 0)) < SHORTEST_SEARCH:
            part = "all"
        text, part, before = read_unseen(sources, reading, checkpoint, part)
        split = own.split if part != "all" else {}
        found = GalleryText(" ".join(sources), part, before, checkpoint.vocabulary.known(text), split)
    elif part not in (None, "all"):
        raise ConfigError(f"the model's own text ({own.name}) is not here", "name a SOURCE, or leave --part out")
    else:
        note(f"the model's own text ({own.name}) is not here: it writes {characters:,} characters itself (seed {seed})")
        found = GalleryText(
            "a text that the model wrote itself", "written", "", _written(checkpoint, characters, seed), {}
        )
    if len(found.characters) < SHORTEST_SEARCH:
        known = counted(len(found.characters), "character")
        raise ConfigError(f"the text has {known} that the model knows", f"give {SHORTEST_SEARCH:,} or more")
    return found


def _own_text(model: str, checkpoint: "Checkpoint", reading: Reading) -> tuple[tuple[str, ...], Reading]:
    """Where the model's own text is, and how it is read: a corpus that is here, or what its run notes; or nothing."""
    from charrnn.errors import SourceError
    from charrnn.model.checkpoint import locate
    from charrnn.text.catalogue import CATALOGUE
    from charrnn.text.sources import read
    from charrnn.text.store import is_here
    from charrnn.training.resume import sources_of

    own = checkpoint.header.corpus
    if own.name in CATALOGUE and is_here(own.name):
        return (own.name,), reading
    noted = sources_of(locate(model).parent)
    if noted is None or "-" in noted.sources:
        return (), reading
    try:
        same = noted.is_there(own.characters, FEEDBACK) and read(noted.sources, noted.reading).sha256 == own.sha256
    except SourceError:
        return (), reading
    if not same:
        note(f"{' '.join(noted.sources)} has changed since the model was trained on it")
    return (noted.sources, noted.reading) if same else ((), reading)


def _written(checkpoint: "Checkpoint", characters: int, seed: int) -> str:
    """A text that the model writes, on numpy."""
    from charrnn.model.stepped_network import SteppedCharRNN
    from charrnn.sampling.distribution import SamplingConfig
    from charrnn.sampling.sampler import Sampler

    network = SteppedCharRNN(checkpoint.config, checkpoint.weights)
    sampler = Sampler(network, checkpoint.vocabulary, SamplingConfig(), checkpoint.header.line_beginnings)
    written = []
    with progress_bar(characters, "writing") as bar:
        for drawn in sampler.draw(characters, seed=seed):
            written.append(drawn.character)
            bar.update()
    return "".join(written)
