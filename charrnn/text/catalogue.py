"""The named corpora: what they are, where they come from, and how their text is made from its files."""

import os
from dataclasses import dataclass, replace
from importlib.resources import files
from os.path import commonpath
from platform import python_version
from typing import Literal

import msgspec

from charrnn.text.examples import labelled, pronunciations


@dataclass(frozen=True)
class SourceFile:
    """One of the files that a corpus is made of; `path` is under the corpus's base URL, and so in a mirror of it."""

    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Cut:
    """The part of a text from the n-th line that says `from_line` up to the words `up_to`."""

    from_line: str
    occurrence: int
    up_to: str

    def of(self, text: str) -> str:
        """Return the part, without blank lines around it, ending in one newline; ValueError where it is not there."""
        start = -1
        for _ in range(self.occurrence):
            start = text.index(f"\n{self.from_line}\n", start + 1)
        return text[start : text.index(self.up_to, start)].strip() + "\n"


@dataclass(frozen=True)
class NamedCorpus:
    """A corpus that can be asked for by name; `sha256` and the counts are of its text as it is made from the files.

    A corpus without files is made by this machine, of the standard library of the running Python. `each` says how one
    of many short texts is cut into items, and `label` which column has their classes.
    """

    title: str
    licence: str
    base_url: str = ""
    files: tuple[SourceFile, ...] = ()
    cut: Cut | None = None
    sha256: str = ""
    characters: int | None = None
    distinct: int | None = None
    form: Literal["text", "labelled", "pronunciations"] = "text"
    labels: tuple[str, ...] = ()  # of the files, in their order
    each: str | None = None
    label: str | None = None

    @property
    def source(self) -> str:
        """The address of its file, or of the folder that holds all its files."""
        shared = commonpath([file.path for file in self.files]) if self.files else ""
        return self.base_url + shared.replace(os.sep, "/")

    @property
    def download_bytes(self) -> int:
        """The size of its files together."""
        return sum(file.bytes for file in self.files)

    def prepare(self, contents: list[bytes]) -> str:
        """Make the text from the files' contents, in their order; ValueError where they are other files."""
        texts = [content.decode("utf-8") for content in contents]
        if self.form == "labelled":
            return labelled(texts, self.labels)
        if self.form == "pronunciations":
            return pronunciations(texts[0])
        text = "\n".join(texts)
        return self.cut.of(text) if self.cut else text

    @property
    def suffix(self) -> str:
        """How the name of the file ends that its text is kept in."""
        return ".txt" if self.form == "text" else ".csv"

    @property
    def as_items(self) -> str:
        """The options by which it is learned as items; none for a running text."""
        label = f" --label {self.label}" if self.label else ""
        return f"--each {self.each}{label}" if self.each else ""


@dataclass(frozen=True)
class _Shipped:
    base_url: str
    corpora: dict[str, NamedCorpus]


def _shipped() -> dict[str, NamedCorpus]:
    """The corpora of the catalogue file."""
    content = files("charrnn.text").joinpath("catalogue.json").read_bytes()
    shipped = msgspec.json.decode(content, type=_Shipped)
    return {name: replace(corpus, base_url=shipped.base_url) for name, corpus in shipped.corpora.items()}


CATALOGUE: dict[str, NamedCorpus] = {
    "python": NamedCorpus(
        title=f"the standard library of Python {python_version()}, tests and generated tables left out",
        licence="PSF-2.0",
        base_url="https://www.python.org/",
    ),
    "python-names": NamedCorpus(
        title=f"the names of Python {python_version()}'s modules, classes and functions, one a line",
        licence="PSF-2.0",
        base_url="https://www.python.org/",
        each="line",
    ),
    **_shipped(),
}
