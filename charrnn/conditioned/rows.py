"""Examples as people have them -> rows of a source and an output: tables, parallel files, dictionaries, classes."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import msgspec

from charrnn.conditioned.symbols import Kind
from charrnn.errors import SourceError, check_utf8, counted, typed
from charrnn.text import store
from charrnn.text.catalogue import CATALOGUE
from charrnn.text.decoding import Change, characters, told
from charrnn.text.folders import OUTSIDE, LeftOut, files_of
from charrnn.text.opening import chunks
from charrnn.text.reading import DEFAULT, Reading
from charrnn.text.tables import cells, kind_of, rows_of

HEADS = (("source", "target"), ("input", "output"), ("src", "tgt"), ("question", "answer"), ("text", "label"))
CLASSES = ("file", "folder")  # of which each is a class, in the place of a column of labels
_NAMES = ("1", "2")  # of the columns of a table that does not name them
_PHONES = "phones"  # the column of a pronouncing dictionary whose stress is left out
_FAST_TEXT = "__label__"
_WINDOW, _ODD = 5, 1.0  # lines whose lengths are looked at together; a factor e in their ratio is odd


class Row(NamedTuple):
    """A source and an output, and where they stand: which row of the file, counted from 1.

    Of images: which image the output is of, the part that it is said to be in, and where in it is what is told of.
    """

    source: str
    output: str
    number: int
    image: str = ""
    part: str = ""
    places: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Columns:
    """Which columns are meant, and what outputs are: characters, symbols between spaces, or labels of classes.

    A `label` is the column of the classes, or says that each "file" or each "folder" is one.
    """

    source: str | None = None
    target: str | None = None
    label: str | None = None
    spaced: bool = False

    def __post_init__(self) -> None:
        if self.label is not None and (self.target is not None or self.spaced):
            raise SourceError("an output is both a text and a label", "name a target or a label")

    @property
    def kind(self) -> Kind:
        """What outputs are."""
        return "label" if self.label is not None else "spaced" if self.spaced else "character"


@dataclass(frozen=True)
class Table:
    """Rows, what their columns are called, whether the file says so, and what a reader should be told."""

    rows: tuple[Row, ...]
    columns: tuple[str, str]
    kind: Kind = "character"
    named: bool = False
    notes: tuple[str, ...] = ()


def read_rows(sources: Sequence[str], wanted: Columns, reading: Reading = DEFAULT, has_names: bool = False) -> Table:
    """Read a table (.csv, .tsv, .jsonl), two parallel files of lines, a named set, or files that are classes.

    A table's first line names its columns where columns are asked for, where it has the names of one of HEADS, or where
    it is known to (`has_names`); else the first two columns are meant. Lines of fastText begin with __label__.

    Raises:
        SourceError: a file cannot be read, a line is not as the others, or there is no such column.
    """
    if wanted.label in CLASSES:
        return _classes(sources, wanted.label == "folder", reading)
    if len(sources) == 2 and wanted.label is None:
        return _parallel(sources, wanted, reading)
    if len(sources) != 1:
        raise SourceError(f"{counted(len(sources), 'file')} of examples are named", "give one, or two parallel ones")
    if sources[0] in CATALOGUE:
        return _named_set(sources[0], wanted)
    notes: list[str] = []
    text = decoded(sources[0], reading, notes)
    if text.startswith(_FAST_TEXT):
        return Table(tuple(_fast_text(sources[0], text)), ("text", "label"), "label", notes=tuple(notes))
    return _table(sources[0], text, wanted, tuple(notes), has_names)


def decoded(path: str, reading: Reading, notes: list[str]) -> str:
    """Return the text of a file; `notes` gets what decoding changed. Raises SourceError where there is none."""
    changes: list[Change] = []
    text = "".join(characters(chunks(Path(path)), reading, path, changes))
    notes += told(changes)
    if not text.strip():
        raise SourceError(f"there is no text in {path}", "give a file of examples, one a line")
    return text


def lines(text: str) -> list[str]:
    """Return the lines of a text, without an empty last one."""
    return text.removesuffix("\n").split("\n")


def _table(where: str, text: str, wanted: Columns, notes: tuple[str, ...] = (), has_names: bool = False) -> Table:
    first = first_names(where, text)
    head = next((pair for pair in HEADS if set(pair) <= set(first)), None)
    output = wanted.target or wanted.label
    named = has_names or wanted.source or output or head or kind_of(where, text) == "jsonl"
    if not named:
        return Table(tuple(_two_columns(where, text)), _NAMES, wanted.kind, notes=notes)
    usual = head or (*first, "source", "target")[:2]
    columns = (wanted.source or usual[0], output or usual[1])
    kind: Kind = "label" if columns[1] == "label" and not wanted.target else wanted.kind
    found = enumerate(cells(text, where, columns), 1)
    rows = tuple(Row(source or "", output or "", number) for number, (source, output) in found)
    return Table(rows, columns, kind, named=True, notes=notes)


def first_names(where: str, text: str) -> list[str]:
    """The cells of the first line of a table, or the names in its first object."""
    line = next(line for line in text.split("\n") if line.strip())
    kind = kind_of(where, text)
    if kind != "jsonl":
        return next(rows_of(line, where, kind, strict=False))[1]
    try:
        return list(msgspec.json.decode(line, type=dict[str, msgspec.Raw]))
    except (msgspec.DecodeError, RecursionError):
        return []  # `cells` tells what is wrong


def _two_columns(where: str, text: str) -> Iterator[Row]:
    """Rows of a table that does not name its columns."""
    tabs = kind_of(where, text) == "tsv" or "\t" in text.partition("\n")[0]
    split = (line.split("\t") for line in lines(text))
    rows = split if tabs else (row for _, row in rows_of(text, where, "csv", strict=False))
    for number, found in enumerate(rows, 1):
        if any(found) and len(found) < 2:
            what = "tab" if tabs else "comma"
            raise SourceError(
                f"row {number} of {where} has no {what}", "write an input, a tab and an output on each line"
            )
        if any(found):
            yield Row(found[0], found[1], number)


def _named_set(name: str, wanted: Columns) -> Table:
    """Rows of an example set of the catalogue."""
    corpus = CATALOGUE[name]
    if corpus.form == "text":
        raise SourceError(f"{name} is one text, without pairs", f"learn it as such: {typed('train', name)}")
    if corpus.form == "labelled":
        return _table(f"{name}.csv", store.load(name), Columns(wanted.source, wanted.target, wanted.label))
    table = _table(f"{name}.csv", store.load(name), Columns(wanted.source or "word", wanted.target or _PHONES))
    if table.columns[1] != _PHONES:
        return table
    rows = (row._replace(output=" ".join(phone.rstrip("012") for phone in row.output.split())) for row in table.rows)
    return Table(tuple(rows), table.columns, "spaced", named=True)


def _parallel(sources: Sequence[str], wanted: Columns, reading: Reading) -> Table:
    """Rows of two files whose lines stand for each other."""
    notes: list[str] = []
    both = [lines(decoded(path, reading, notes)) for path in sources]
    if len(both[0]) != len(both[1]):
        sizes = (f"{path} has {counted(len(each), 'line')}" for path, each in zip(sources, both, strict=True))
        raise SourceError(
            f"{' and '.join(sizes)}; they seem to differ from line {first_suspect(*both)} on",
            "look there for a line too many or too few",
        )
    rows = tuple(Row(source, output, n) for n, (source, output) in enumerate(zip(*both, strict=True), 1))
    return Table(rows, (Path(sources[0]).name, Path(sources[1]).name), wanted.kind, notes=tuple(notes))


def first_suspect(left: Sequence[str], right: Sequence[str]) -> int:
    """Return the first line from which two files seem to stand for each other no more.

    That is where one side is empty, or where the ratio of the sides' lengths leaves what is usual in these files for
    several lines together; else the first line that one of them lacks.

    >>> first_suspect(["a", "bb", "", "d"], ["A", "BB", "D"])
    3
    """
    ratios = [_ratio(a, b) for a, b in zip(left, right, strict=False)]
    usual = median(ratios) if ratios else 0.0
    odd = [abs(ratio - usual) > _ODD for ratio in ratios]
    for line, ratio in enumerate(ratios):
        window = odd[line : line + _WINDOW]
        if ratio == float("inf") or (odd[line] and sum(window) > len(window) / 2):
            return line + 1
    return len(ratios) + 1


def _ratio(left: str, right: str) -> float:
    if not left.strip() or not right.strip():
        return 0.0 if left.strip() == right.strip() else float("inf")
    return log(len(left) / len(right))


def _fast_text(where: str, text: str) -> Iterator[Row]:
    """Rows of lines `__label__x text`."""
    for number, line in enumerate(lines(text), 1):
        label, _, rest = line.partition(" ")
        if not label.startswith(_FAST_TEXT) or rest.startswith(_FAST_TEXT):
            why = "several labels" if label.startswith(_FAST_TEXT) else f"no {_FAST_TEXT}"
            raise SourceError(f"line {number} of {where} has {why}", "write one label and a text on each line")
        yield Row(rest, label.removeprefix(_FAST_TEXT), number)


def _classes(sources: Sequence[str], folders: bool, reading: Reading) -> Table:
    """Rows of which each file, or each folder, is a class: the lines of its file, or the texts of its files."""
    places = [Path(source) for source in sources]
    left_out = LeftOut(sources[0])
    if len(places) == 1 and places[0].is_dir():
        places = sorted(_inside(places[0], folders, left_out))
    names = _names_of(places)
    check_utf8(names)
    if len(places) < 2:
        raise SourceError(f"{sources[0]} has one class only", "name several files or folders, one for each class")
    notes: list[str] = []
    rows = []
    for place, name in zip(places, names, strict=True):
        for path in files_of(str(place), left_out) if folders else [place]:
            text = decoded(str(path), reading, notes)
            texts = [re.sub(r"\s+", " ", text).strip()] if folders else lines(text)
            rows += [Row(each, name, number) for number, each in enumerate(texts, 1)]
    return Table(tuple(rows), ("text", "class"), "label", notes=(*left_out.notes, *notes))


def _inside(top: Path, folders: bool, left_out: LeftOut) -> Iterator[Path]:
    """The folders, or the files, of a folder, but for hidden ones and links that lead out of it."""
    root = top.resolve()
    for path in top.iterdir():
        if path.is_dir() == folders and path.name[0] != ".":
            if path.resolve().is_relative_to(root):
                yield path
            else:
                left_out.add(OUTSIDE, path)


def _names_of(places: Sequence[Path]) -> list[str]:
    """What classes are called: by their files' names without the ending, or by the ending where those are equal."""
    stems = [path.stem for path in places]
    return stems if len(set(stems)) == len(stems) else [path.suffix.removeprefix(".") or path.name for path in places]
