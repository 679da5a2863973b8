"""What a checkpoint is, and what it was trained on."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from charrnn.api.result import Result
from charrnn.display.signs import one_line
from charrnn.errors import counted, some
from charrnn.model.checkpoint import Checkpoint, bits
from charrnn.text.item_corpus import ItemFacts
from charrnn.text.items import WAYS
from charrnn.text.symbols import kind_of
from charrnn.text.vocabulary import END
from charrnn.training.history import resumes_from

SHOWN = 20  # symbols longer than a character


@dataclass(frozen=True)
class Info(Result):
    """A model's network, text and figures; `resumes_from` are the sources that its run would read again."""

    checkpoint: Checkpoint
    resumes_from: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return what `charrnn info --json` prints."""
        checkpoint, header = self.checkpoint, self.checkpoint.header
        return {
            "format_version": checkpoint.format_version,
            "number_format": checkpoint.number,
            **asdict(header.model),
            "parameters": header.model.parameters,
            **asdict(header.figures),
            "corpus": asdict(header.corpus),
            "training": header.training,
            "known_units": [asdict(each) for each in header.known_units],
            "vocabulary": "".join(name for name in _symbols(checkpoint) if len(name) == 1),
            "symbols": kind_of(header.symbols),
            "longer_symbols": list(header.symbols.names) if header.symbols else [],
            "created": header.created,
            "charrnn_version": header.charrnn_version,
            "resumes_from": list(self.resumes_from),
        }

    def __str__(self) -> str:
        return "\n".join(f"{name:<12} {one_line(value)}" for name, value in self._rows())

    def _rows(self) -> Iterator[tuple[str, str]]:
        checkpoint, header, model = self.checkpoint, self.checkpoint.header, self.checkpoint.config
        corpus, figures = header.corpus, header.figures
        layers, wide = counted(model.num_layers, "layer"), counted(model.hidden_size, "unit")
        embedding = f"embedding {model.embedding_size}" if model.embedding_size else "one-hot"
        yield "network", f"{model.kind}, {layers} of {wide}, {embedding}, {model.dropouts}"
        yield "parameters", f"{model.parameters:,}, stored in {checkpoint.number}"
        licence = f" ({corpus.licence})" if corpus.licence else ""
        noun = checkpoint.vocabulary.noun
        yield "text", f"{corpus.name}, {corpus.characters:,} {noun}s{licence}"
        if corpus.source:
            yield "source", corpus.source
        yield "split", ", ".join(f"{part} {length:,}" for part, length in corpus.split.items())
        yield "SHA-256", corpus.sha256
        if corpus.items:
            yield "items", _items(corpus.items)
        if corpus.characters_in:
            yield "written", f"in {sum(corpus.characters_in.values()):,} characters"
        if header.symbols:
            names = header.symbols.names
            shown = " ".join(names[:SHOWN]) + (" …" if len(names) > SHOWN else "")
            yield "symbols", f"{header.symbols.kind}; {len(names):,} longer than a character: {shown}"
        single = [name for name in _symbols(checkpoint) if len(name) == 1]
        yield "characters", f"{len(single)}: {''.join(single)}"
        for part in ("train", "val", "test"):
            nats = getattr(figures, f"{part}_nats")
            if nats is not None:
                yield f"{part} loss", f"{nats:.4f} nats per {noun} ({bits(nats):.4f} bits){figures.of(part)}"
        yield "trained", f"{counted(figures.step, 'step')}, {figures.epoch:.2f} epochs, {figures.seconds:.0f} s"
        yield "recipe", ", ".join(f"{name} {value}" for name, value in header.training.items())
        if header.known_units:
            units = (f"{each.feature} {each.unit} ({each.score:.2f})" for each in header.known_units)
            yield "known units", ", ".join(units)
        yield "made", f"{header.created} by charrnn {header.charrnn_version}, format {checkpoint.format_version}"
        if sources := self.resumes_from:
            yield "--resume", f"reads {some(sources)}"


def _symbols(checkpoint: Checkpoint) -> list[str]:
    """All symbols that it knows; the end of an item is none."""
    return [name for name in checkpoint.vocabulary.names if name != END]


def _items(facts: ItemFacts) -> str:
    way = f"a {facts.each}" if facts.each in WAYS else f"a cell of {facts.each}"
    split = ", ".join(f"{part} {count:,}" for part, count in facts.split.items())
    repeated = f"{facts.duplicates:,} repeating another{' were left out' if facts.unique else ''}"
    classes = f"; {facts.label}: {', '.join(facts.labels)}" if facts.labels else ""
    return f"{facts.count:,} items, each {way} ({split}; {repeated}){classes}"


def info(checkpoint: Checkpoint, name: str) -> Info:
    """Return what a model is; `name` is what it was loaded by, of which a run folder tells where its text is."""
    return Info(checkpoint, resumes_from(Path(name)))
