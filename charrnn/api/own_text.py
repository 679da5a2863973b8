"""The text of a model where no other is named: what it was trained on where that is here, else what it writes."""

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from charrnn.api.limits import SHORTEST_SEARCH
from charrnn.api.passage import WRITTEN, Passage, joined, passage_of, read_items_as_text, read_passage
from charrnn.errors import ConfigError, SourceError
from charrnn.feedback import SILENT, Feedback
from charrnn.model.checkpoint import locate
from charrnn.model.devices import choose_precision
from charrnn.model.network import stepped_on
from charrnn.sampling.sampler import Sampler
from charrnn.text.catalogue import CATALOGUE
from charrnn.text.reading import Reading
from charrnn.text.sources import Text, read
from charrnn.text.store import is_here
from charrnn.training.resume import sources_of

if TYPE_CHECKING:
    from charrnn.api.model import Model

WRITER = "a text that the model wrote itself"  # as the source of a passage
STREAMS = 32  # that write it side by side: many times as fast as one
_LENGTH = 20_000  # characters of it where no number is asked for


def own_passage(
    model: "Model", part: str | None, characters: int | None, reading: Reading, feedback: Feedback
) -> Passage:
    """Return the model's own text, or one that it writes; arguments and errors as of `read_passage`."""
    sources, reading = own_text(model, reading, feedback)
    if not sources:
        refuse_part(model, part)
        text = written(model, characters or _LENGTH, 0, feedback)
        return replace(passage_of(model.checkpoint, text, model.name), source=(WRITER,), part=WRITTEN)
    part = part or own_part(model)
    return read_passage(
        model.checkpoint, sources, part=part, characters=characters, reading=reading, name=model.name, feedback=feedback
    )


def own_text(model: "Model", reading: Reading, feedback: Feedback) -> tuple[tuple[str, ...], Reading]:
    """Where the model's own text is, and how it is read: a corpus that is here, or what its run notes; or nothing."""
    own = model.checkpoint.header.corpus
    if own.name in CATALOGUE and is_here(own.name):
        return (own.name,), reading
    noted = sources_of(locate(model.name).parent) if model.name else None
    if noted is None or "-" in noted.sources:
        return (), reading
    try:
        there = noted.is_there(own.characters, feedback)
        same = there and _read(model, noted.sources, noted.reading).sha256 == own.sha256
    except SourceError:
        return (), reading
    if not same:
        feedback.note(f"{' '.join(noted.sources)} has changed since the model was trained on it")
    return (noted.sources, noted.reading) if same else ((), reading)


def _read(model: "Model", sources: tuple[str, ...], reading: Reading) -> Text:
    return read_items_as_text(model.checkpoint, sources, reading, SILENT) or read(sources, reading)


def own_part(model: "Model") -> str | None:
    """The part of its own text that a model is measured on: None, one that it has not seen; all where that is short."""
    split = model.checkpoint.header.corpus.split
    return "all" if split.get("test", split.get("val", 0)) < SHORTEST_SEARCH else None


def refuse_part(model: "Model", part: str | None) -> None:
    """Raise ConfigError where a part is asked for of a text that is not here."""
    if part not in (None, "all"):
        own = model.checkpoint.header.corpus
        raise ConfigError(f"the model's own text ({own.name}) is not here", "name a SOURCE, or leave --part out")


def written(model: "Model", characters: int, seed: int, feedback: Feedback) -> str:
    """Let a model write a text, STREAMS pieces of it side by side, each of whole lines."""
    own, checkpoint = model.checkpoint.header.corpus, model.checkpoint
    feedback.note(
        f"the model's own text ({own.name}) is not here: it writes {characters:,} characters itself (seed {seed})"
    )
    if own.items is not None:
        return _written_items(model, characters, seed)
    device = model.network.device
    network = stepped_on(checkpoint.config, checkpoint.weights, device, choose_precision(None, device))
    sampler = Sampler.of(checkpoint, model=network)
    length, blocks = math.ceil(characters / STREAMS), []
    with feedback.bar(characters, "writing") as bar:
        for ids, _ in sampler.draw_many(length, "", range(seed, seed + STREAMS)):
            blocks.append(ids)
            bar.update(ids.size)
    drawn = np.concatenate(blocks)
    if "\n" in checkpoint.vocabulary.characters:
        drawn[-1] = checkpoint.vocabulary.encode("\n")[0]
    return checkpoint.vocabulary.decode_folded(drawn.T.ravel())[:characters]


def _written_items(model: "Model", characters: int, seed: int) -> str:
    """Let a model of items write some, with at least so many characters together."""
    texts, length = list[str](), 0
    for item in model.sample_items(characters, seed=seed):
        texts.append(item.text)
        length += len(item.text) + 1
        if length >= characters:
            break
    return joined(texts)
