"""Files of examples, as people have them -> rows of a source and an output: tables, parallel files, dictionaries."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import msgspec

from charrnn.errors import SourceError, counted, did_you_mean
from charrnn.text.decoding import Change, characters, told
from charrnn.text.opening import chunks, packing
from charrnn.text.reading import DEFAULT, Reading

HEADS = (("source", "target"), ("input", "output"), ("src", "tgt"), ("question", "answer"), ("text", "label"))
_TABLES = {".tsv": "\t", ".csv": ",", ".jsonl": "", ".ndjson": ""}
_DICTIONARIES = (".dict", "cmudict")  # how the names of pronouncing dictionaries end, or begin
_VARIANT = re.compile(r"\(\d+\)$")
_WINDOW, _ODD = 5, 1.0  # lines whose lengths are looked at together; a factor e in their ratio is odd


class Row(NamedTuple):
    """A source and an output, and the line of the file that they stand on."""

    source: str
    output: str
    line: int


@dataclass(frozen=True)
class Table:
    """Rows of a file, what their columns are called, what a reader should be told, and whether symbols are words."""

    rows: tuple[Row, ...]
    columns: tuple[str, str] = ("source", "target")
    notes: tuple[str, ...] = ()
    spaced: bool = False
    named: bool = False  # whether the file itself names its columns


def read_rows(paths: Sequence[Path], source: str | None, target: str | None, reading: Reading = DEFAULT) -> Table:
    """Read a table of named columns (.tsv, .csv, .jsonl), two parallel files of lines, or a pronouncing dictionary.

    A table's first line names its columns where `source` and `target` are given, or where it has the names of one of
    HEADS; else the first two columns are meant. A .txt file is read as .tsv.

    Raises:
        SourceError: a file cannot be read, a line is not as the others, or there is no such column.
    """
    notes: list[str] = []
    texts = [_text(path, reading, notes) for path in paths]
    if len(paths) == 2:
        return Table(tuple(_parallel(paths, texts)), (paths[0].name, paths[1].name), tuple(notes))
    if len(paths) != 1:
        raise SourceError(f"{counted(len(paths), 'file')} of examples are named", "give one, or two parallel ones")
    path, text = paths[0], texts[0]
    kind = path.with_suffix("").suffix if packing(path) else path.suffix
    if kind == _DICTIONARIES[0] or path.name.startswith(_DICTIONARIES[1]):
        return Table(tuple(_pronunciations(path, text)), ("word", "phones"), tuple(notes), spaced=True)
    if not _TABLES.get(kind, "\t"):
        rows, columns = _objects(path, text, source, target)
    else:
        rows, columns = _cells(path, text, _TABLES.get(kind, "\t"), source, target)
    return Table(tuple(rows), columns, tuple(notes), named=columns != ("1", "2"))


def _text(path: Path, reading: Reading, notes: list[str]) -> str:
    changes: list[Change] = []
    text = "".join(characters(chunks(path), reading, str(path), changes))
    notes += told(changes)
    if not text.strip():
        raise SourceError(f"there is no text in {path}", "give a file of examples, one a line")
    return text


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n")


def _cells(
    path: Path, text: str, separator: str, source: str | None, target: str | None
) -> tuple[list[Row], tuple[str, str]]:
    """Rows of a table whose cells a tab or a comma separates."""
    lines = _table_lines(path, text, separator)
    number, first = next(lines)
    named = next((pair for pair in HEADS if set(pair) <= set(first)), None)
    if source or target or named:
        columns = (source or (named or first)[0], target or (named or first[1:2])[-1])
        places = [_place(path, column, first) for column in columns]
    else:
        columns, places = ("1", "2"), [0, 1]
        lines = _with_first((number, first), lines)
    rows = []
    for line, cells in lines:
        if len(cells) <= max(places):
            what = "tab" if separator == "\t" else "comma"
            cells_there = f"line {line} of {path} has {counted(len(cells), 'cell')}, not {max(places) + 1}"
            raise SourceError(cells_there, f"add the missing {what}, or name other columns with --source and --target")
        rows.append(Row(cells[places[0]], cells[places[1]], line))
    return rows, columns


def _table_lines(path: Path, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """The lines of a table with their numbers; in a .csv a cell in quotes may go over several."""
    if separator == "\t":
        yield from ((number, line.split("\t")) for number, line in enumerate(_lines(text), 1) if line.strip())
        return
    table = csv.reader(io.StringIO(text, newline=""), strict=True)
    before = 0
    while True:
        try:
            cells = next(table)
        except StopIteration:
            return
        except csv.Error as error:
            raise SourceError(f"{path} is no CSV from line {before + 1} on: {error}", "mend its quotes") from None
        if cells:
            yield before + 1, cells
        before = table.line_num


def _with_first(first: Any, others: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from others


def _place(path: Path, column: str, there: Sequence[str]) -> int:
    """Where a column is."""
    if column not in there:
        raise _no_column(path, column, there)
    return list(there).index(column)


def _no_column(path: Path, column: str, there: Sequence[str]) -> SourceError:
    shown = ", ".join(there[:20])
    return SourceError(f"{path} has no column {column}", did_you_mean(column, there, f"choose among {shown}"))


def _objects(path: Path, text: str, source: str | None, target: str | None) -> tuple[list[Row], tuple[str, str]]:
    """Rows of JSON objects, one a line."""
    rows: list[Row] = []
    columns: tuple[str, str] | None = None
    for number, line in enumerate(_lines(text), 1):
        if not line.strip():
            continue
        try:
            value = msgspec.json.decode(line, type=dict[str, Any])
        except (msgspec.DecodeError, RecursionError) as error:
            raise SourceError(
                f"line {number} of {path} is no JSON object: {error}", "write one object a line"
            ) from None
        if columns is None:
            named = next((pair for pair in HEADS if set(pair) <= set(value)), tuple([*value, "", ""][:2]))
            columns = source or named[0], target or named[1]
        cells = []
        for column in columns:
            if column not in value:
                raise _no_column(path, f"{column or 'for the target'} on line {number}", list(value))
            if not isinstance(value[column], str | int | float):
                raise SourceError(f"{column} on line {number} of {path} is no text", "give a string or a number")
            cells.append(str(value[column]))
        rows.append(Row(cells[0], cells[1], number))
    return rows, columns or ("source", "target")


def _parallel(paths: Sequence[Path], texts: Sequence[str]) -> Iterator[Row]:
    """Rows of two files whose lines stand for each other."""
    lines = [_lines(text) for text in texts]
    if len(lines[0]) != len(lines[1]):
        sizes = (f"{path} has {counted(len(each), 'line')}" for path, each in zip(paths, lines, strict=True))
        raise SourceError(
            f"{' and '.join(sizes)}; they seem to differ from line {first_suspect(*lines)} on",
            "look there for a line too many or too few",
        )
    for number, (source, output) in enumerate(zip(*lines, strict=True), 1):
        yield Row(source, output, number)


def first_suspect(left: Sequence[str], right: Sequence[str]) -> int:
    """Return the first line from which two files seem to stand for each other no more.

    That is where one side is empty, or where the ratio of the sides' lengths leaves what is usual in these files for
    several lines together; else the first line that one of them lacks.

    >>> first_suspect(["a", "bb", "", "d"], ["A", "BB", "D"])
    3
    """
    common = min(len(left), len(right))
    ratios = [abs(_ratio(a, b)) for a, b in zip(left, right, strict=False)]
    usual = median(_ratio(a, b) for a, b in zip(left, right, strict=False)) if common else 0.0
    odd = [abs(_ratio(a, b) - usual) > _ODD for a, b in zip(left, right, strict=False)]
    for line in range(common):
        window = odd[line : line + _WINDOW]
        if ratios[line] == float("inf") or (odd[line] and sum(window) > len(window) / 2):
            return line + 1
    return common + 1


def _ratio(left: str, right: str) -> float:
    if not left.strip() or not right.strip():
        return 0.0 if left.strip() == right.strip() else float("inf")
    return log(len(left) / len(right))


def _pronunciations(path: Path, text: str) -> Iterator[Row]:
    """Rows of the CMU dictionary, `word[(n)] PHONE PHONE … [# comment]`: the word, and its phones without stress."""
    for number, line in enumerate(_lines(text), 1):
        content = line.partition("#")[0].split()
        if not content or line.startswith(";;;"):
            continue
        word, *phones = content
        if not phones:
            raise SourceError(f"line {number} of {path} has a word without phones", "give each word a pronunciation")
        yield Row(_VARIANT.sub("", word).lower(), " ".join(phone.rstrip("012") for phone in phones), number)
