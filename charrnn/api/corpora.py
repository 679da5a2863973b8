"""The texts that can be asked for by name, and what any text is like."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from charrnn.api.passage import read_sources
from charrnn.api.result import Result
from charrnn.feedback import SILENT, Feedback
from charrnn.text import store
from charrnn.text.catalogue import CATALOGUE
from charrnn.text.reading import DEFAULT, Reading
from charrnn.text.statistics import Statistics, statistics


@dataclass(frozen=True)
class Corpora(Result):
    """The named corpora, and where their texts are kept."""

    names: tuple[str, ...]
    folder: str

    def to_dict(self) -> dict[str, Any]:
        """Return what `charrnn corpus list --json` prints."""
        return {"folder": self.folder, "corpora": [_described(name) for name in self.names]}

    def __str__(self) -> str:
        return "\n".join(line for name in self.names for line in _lines(name))


@dataclass(frozen=True)
class Fetched(Result):
    """A named corpus that is here: how many characters it has, and its file; None where this machine makes it."""

    name: str
    characters: int
    path: str | None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)

    def __str__(self) -> str:
        place = "this Python's own library" if self.path is None else self.path
        return f"{self.name}: {self.characters:,} characters in {place}"


@dataclass(frozen=True)
class Measured(Result):
    """Figures of one text; see `text.statistics.Statistics`."""

    name: str
    sha256: str
    statistics: Statistics

    def to_dict(self) -> dict[str, Any]:
        """Return what `charrnn corpus stats --json` prints."""
        return {"name": self.name, "sha256": self.sha256, **asdict(self.statistics)}

    def __str__(self) -> str:
        return "\n".join(f"{name:<14} {value}" for name, value in self._rows())

    def _rows(self) -> Iterator[tuple[str, str]]:
        measured = self.statistics
        yield "characters", f"{measured.characters:,}"
        yield "distinct", f"{measured.distinct:,}"
        yield "lines", f"{measured.lines:,}"
        yield "commonest", _listed(measured.commonest)
        yield "rarest", _listed(measured.rarest)
        for order, bits in enumerate(measured.entropies):
            yield f"entropy, {order}", f"{bits:.4f} bits per character, given the {order} before it"
        if measured.entropy_characters < measured.characters:
            yield "", f"entropies on the first {measured.entropy_characters:,} characters"
        for part, counts in measured.unseen.items():
            listed = _listed(list(counts.items())[:8]) + (" …" if len(counts) > 8 else "")
            unseen = f"{len(counts):,} distinct, {sum(counts.values()):,} in all: {listed}" if counts else "none"
            yield f"only in {part}", unseen


def named() -> Corpora:
    """Return the named corpora."""
    return Corpora(tuple(CATALOGUE), str(store.folder()))


def get(names: Sequence[str], *, mirror: str | None = None, feedback: Feedback = SILENT) -> Iterator[Fetched]:
    """Fetch named corpora that are not here yet, check them, and yield them one after the other.

    Args:
        names: of corpora.
        mirror: a folder or an address at which the files are; None: where they come from.
        feedback: where notes and counts go.

    Raises:
        SourceError: there is no such corpus, or its files cannot be had or are others.
    """
    for name in names:
        store.corpus_named(name)
    for name in names:
        store.fetch_missing((name,), mirror, feedback)
        text = store.load(name)
        yield Fetched(name, len(text), str(store.path_of(name)) if store.corpus_named(name).files else None)


def stats(sources: Sequence[str], *, reading: Reading = DEFAULT, feedback: Feedback = SILENT) -> Measured:
    """Measure a text: its characters, and the entropy of each given the 0 to 5 before it, in bits per character.

    Args:
        sources: what SOURCE is on the command line.
        reading: how bytes become characters.
        feedback: where notes and counts go.

    Raises:
        SourceError: a source is not there, is no text, or has one character only.
    """
    text = read_sources(sources, reading, feedback)
    for line in text.notes:
        feedback.note(line)
    return Measured(text.name, text.sha256, statistics(text))


def _lines(name: str) -> Iterator[str]:
    corpus = CATALOGUE[name]
    size = f"{corpus.characters:,} characters, {corpus.distinct} distinct" if corpus.characters else "its size varies"
    where = f"in {store.path_of(name)}" if corpus.files else "made by this machine"
    yield f"{name:<13} {corpus.title}"
    yield f"{'':<13} {size}; {corpus.licence}; {corpus.source}"
    if corpus.as_items:
        yield f"{'':<13} many short texts: train {corpus.as_items}"
    yield f"{'':<13} {where if store.is_here(name) else 'not fetched yet'}"


def _described(name: str) -> dict[str, Any]:
    corpus, here = CATALOGUE[name], store.is_here(name)
    return {
        "name": name,
        "title": corpus.title,
        "licence": corpus.licence,
        "source": corpus.source,
        "characters": corpus.characters,
        "distinct": corpus.distinct,
        "sha256": corpus.sha256 or None,
        "download_bytes": corpus.download_bytes,
        "here": here,
        "path": str(store.path_of(name)) if here and corpus.files else None,
        "each": corpus.each,
        "label": corpus.label,
    }


def _listed(counts: list[tuple[str, int]]) -> str:
    return ", ".join(f"{ascii(c) if not c.isprintable() else repr(c)} {count:,}" for c, count in counts)
