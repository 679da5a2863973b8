"""Tables: the cells of one or two columns of a CSV, TSV or JSON-lines text. Not for what the cells are used as."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from charrnn.errors import SourceError, counted, did_you_mean, short

_SUFFIXES = {".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_PACKED = (".gz", ".bz2", ".xz", ".zst")
_SHOWN, _LONG = 12, 40  # names of columns in a message, and characters of each
_LARGEST_CELL = 1 << 30  # characters; the csv module's own bound is lower


def kind_of(name: str, text: str) -> str:
    r"""Return csv, tsv or jsonl: by the name of a file, else by how its text begins.

    >>> kind_of("a.tsv.gz", ""), kind_of("stdin", '\n{"a": 1}'), kind_of("stdin", "a\tb\n"), kind_of("stdin", "a,b\n")
    ('tsv', 'jsonl', 'tsv', 'csv')
    """
    for packed in _PACKED:
        name = name.removesuffix(packed)
    known = next((kind for suffix, kind in _SUFFIXES.items() if name.lower().endswith(suffix)), None)
    if known:
        return known
    if text[:4096].lstrip().startswith("{"):
        return "jsonl"
    return "tsv" if "\t" in text.partition("\n")[0] else "csv"


def cells(text: str, where: str, columns: Sequence[str]) -> Iterator[tuple[str | None, ...]]:
    """Yield the cells of some columns, row by row; None is a null of JSON. Blank rows are left out.

    A CSV or TSV text names its columns in its first row; quoting is that of RFC 4180, and quoted cells may hold
    newlines. `where` names the text in messages, and its ending may tell what kind it is.

    Raises:
        SourceError: a column is missing or named twice, a row has more or fewer cells than there are columns, quotes
            are not closed, or a line is no JSON object.
    """
    kind = kind_of(where, text)
    return _of_objects(text, where, columns) if kind == "jsonl" else _of_rows(text, where, columns, kind)


def _of_rows(text: str, where: str, columns: Sequence[str], kind: str) -> Iterator[tuple[str, ...]]:
    rows = ((line, row) for line, row in rows_of(text, where, kind) if row)
    _, names = next(rows, (0, []))
    places = [_place(column, names, where) for column in columns]
    for line, row in rows:
        if len(row) != len(names):
            sizes = f"{counted(len(row), 'cell')}, and there are {counted(len(names), 'column')}"
            raise SourceError(
                f"{where}: the row that ends in line {line:,} has {sizes}",
                f"mend that line; cells with {'tabs' if kind == 'tsv' else 'commas'} or newlines need quotes",
            )
        yield tuple(row[place] for place in places)


def rows_of(text: str, where: str, kind: str, strict: bool = True) -> Iterator[tuple[int, list[str]]]:
    """Yield the line in which each row of a CSV or TSV text ends, and the row's cells; a blank row has none.

    Raises:
        SourceError: the text is no such table; `strict`, what stands around quotes has to be right too.
    """
    bound = csv.field_size_limit(_LARGEST_CELL)
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter="\t" if kind == "tsv" else ",", strict=strict)
        yield from ((rows.line_num, row) for row in rows)
    except csv.Error as error:
        raise SourceError(
            f"{where}: line {rows.line_num:,} is not {kind.upper()} ({error})", "mend that line"
        ) from None
    finally:
        csv.field_size_limit(bound)


def _place(column: str, names: Sequence[str], where: str) -> int:
    if names.count(column) > 1:
        raise SourceError(f"{where} has {names.count(column)} columns named {column}", "give each a name of its own")
    if column not in names:
        raise _missing(column, names, where)
    return names.index(column)


def _missing(column: str, names: Sequence[str], where: str) -> SourceError:
    shown = ", ".join(short(name, _LONG) for name in names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
    return SourceError(
        f"{where} has no column {column}", did_you_mean(column, names, f"choose one of its columns: {shown or 'none'}")
    )


def _of_objects(text: str, where: str, columns: Sequence[str]) -> Iterator[tuple[str | None, ...]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            row = _object(line, f"line {number:,} of {where}")
            yield tuple(_cell(row, column, f"line {number:,} of {where}") for column in columns)


def _object(line: str, where: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as error:
        raise SourceError(f"{where} is no JSON object ({error})", "mend that line, or name another file") from None


def _cell(row: dict[str, Any], column: str, where: str) -> str | None:
    if column not in row:
        raise _missing(column, list(row), where)
    value = row[column]
    if isinstance(value, dict | list):
        raise SourceError(f"{column} in {where} is no text", "choose a column of texts")
    return value if value is None or isinstance(value, str) else msgspec.json.encode(value).decode()
