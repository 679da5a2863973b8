"""Examples: sources with what is right for each, split by source into parts; what was left out is told."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import msgspec

from charrnn.conditioned.captions import Place, read_images, told_missing
from charrnn.conditioned.features import Features
from charrnn.conditioned.rows import CLASSES, Columns, Row, Table, read_rows
from charrnn.conditioned.symbols import Kind
from charrnn.errors import ConfigError, SourceError, check_range, check_utf8, counted
from charrnn.text.catalogue import CATALOGUE
from charrnn.text.opening import first
from charrnn.text.reading import DEFAULT, Reading

HELD_OUT = 0.05  # of the sources, for validation and for the test each, where nothing else is asked for,
HELD_OUT_MOST = 2000  # but no more than this
LONGEST = 400  # characters of a source or an output that is taken
PARTS = ("train", "val", "test")
FIELDS = "fields.json"  # beside the parts of a folder: for each column a regular expression with named groups
_SUFFIXES = (".tsv", ".csv", ".jsonl")


class Example(NamedTuple):
    """A source, and the outputs that are right for it, the first one first."""

    source: str
    outputs: tuple[str, ...]
    image: str = ""  # by its name, where the example is about one
    places: tuple[tuple[Place, ...], ...] = ()  # for each output, where in the image is what it tells of

    @property
    def told(self) -> str:
        """What a model is told, in words."""
        return ": ".join(part for part in (self.image, self.source) if part)


class Origin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where examples were read from, and how: what a resumed run reads again."""

    paths: tuple[str, ...]
    source: str | None = None
    target: str | None = None
    label: str | None = None
    spaced: bool = False
    val_fraction: float | None = None
    test_fraction: float | None = None
    seed: int = 0
    images: str | None = None  # a file of features; then the examples are about images
    answers: int | None = None  # the commonest so many answers are classes; None: all

    @property
    def columns(self) -> Columns:
        """Which columns are meant, and what outputs are."""
        return Columns(self.source, self.target, self.label, self.spaced)

    def absolute(self) -> "Origin":
        """Return the same, to be found from any folder. Raises SourceError where a path is not in UTF-8."""
        paths = tuple(path if path in CATALOGUE else os.path.abspath(path) for path in self.paths)
        images = None if self.images is None else os.path.abspath(self.images)
        check_utf8((*paths, *([images] if images else [])))
        return msgspec.structs.replace(self, paths=paths, images=images)


@dataclass(frozen=True)
class Examples:
    """Examples in parts, no source on two sides."""

    name: str
    sha256: str
    parts: dict[str, tuple[Example, ...]]
    columns: tuple[str, str] = ("source", "target")
    named: bool = False  # whether the file itself names its columns
    notes: tuple[str, ...] = ()
    kind: Kind = "character"  # what outputs are made of
    fields: tuple[str, str] | None = None  # regular expressions that find fields, in sources and in outputs
    features: Features | None = None  # of the images that the examples are about

    def part(self, name: str) -> tuple[Example, ...]:
        """Return a part, or "all" of them.

        Raises:
            ConfigError: there is no such part, or it is empty.
        """
        found = sum(self.parts.values(), ()) if name == "all" else self.parts.get(name, ())
        if not found:
            there = ", ".join(part for part, examples in self.parts.items() if examples)
            raise ConfigError(f"{self.name} has no examples in its part {name}", f"choose among all, {there}")
        return found


def read_examples(origin: Origin, reading: Reading = DEFAULT, features: Features | None = None) -> Examples:
    """Read examples and split them: a folder has its own parts (train.tsv, val.tsv, test.tsv), else by source.

    With features, examples are about images: they are split by image, and those without features are left out.

    Raises:
        SourceError: something cannot be read, or nothing is left.
        ConfigError: the fractions leave nothing to train on.
    """
    for name in ("val_fraction", "test_fraction"):
        check_range(name, getattr(origin, name) or 0.0, 0, 0.9)
    first = Path(origin.paths[0]) if origin.paths else Path()
    tables = _of_texts(origin, reading) if features is None else _of_images(origin, reading, features)
    notes = [note for table in tables.values() for note in table.notes]
    grouped = {part: _grouped(table.rows, notes) for part, table in tables.items()}
    parts = _split(grouped[""], origin) if grouped.get("") else _apart(grouped, notes)
    if not parts.get("train"):
        raise SourceError(f"{origin.paths[0]} leaves nothing to train on", "give more examples")
    table = next(iter(tables.values()))
    if table.kind == "label" and len({o for e in parts["train"] for o in e.outputs}) < 2:
        raise SourceError(f"{origin.paths[0]} has one class only", "give examples of several classes")
    return Examples(
        name=origin.paths[0] if origin.paths[0] in CATALOGUE else first.resolve().stem,
        sha256=_digest(parts),
        parts={part: parts[part] for part in PARTS if parts.get(part)},
        columns=table.columns,
        named=table.named,
        notes=tuple(notes),
        kind=table.kind,
        fields=None if features else _fields(first, table),
        features=features,
    )


def _of_texts(origin: Origin, reading: Reading) -> dict[str, Table]:
    """The rows of each part, or of all as the part ""."""
    first = Path(origin.paths[0]) if origin.paths else Path()
    if origin.label not in CLASSES and len(origin.paths) == 1 and os.path.isdir(first):
        files = _parts(first)
        alike = len(files) > 1 and len({_first_line(path) for _, path in files}) == 1  # then it is no example
        return {part: read_rows([path], origin.columns, reading, alike) for part, path in files}
    return {"": read_rows(origin.paths, origin.columns, reading)}


def _of_images(origin: Origin, reading: Reading, features: Features) -> dict[str, Table]:
    """The same, of images; those without features are left out, and told."""
    table = read_images(origin.paths, origin.columns, reading)
    there = {image for image in {row.image for row in table.rows} if features.find(image) is not None}
    missing = sorted({row.image for row in table.rows} - there)
    if not there:
        raise SourceError(
            f"no image of {origin.paths[0]} has features in {features.path}",
            f"names must agree: {missing[0]} is not among {features.names[0]}, …",
        )
    notes = (*table.notes, *([told_missing(missing, features.path)] if missing else []))
    spare = len(features.names) - len({features.find(image) for image in there})
    if spare:
        notes = (*notes, f"{counted(spare, 'image')} of {features.path} without an example")
    has_parts = any(row.part == "train" for row in table.rows)
    by_part: dict[str, list[Row]] = {}
    for row in table.rows:
        if row.image in there:
            by_part.setdefault((row.part or "train") if has_parts else "", []).append(row)
    tables = {part: replace(table, rows=tuple(rows), notes=()) for part, rows in by_part.items()}
    first = next(iter(tables))
    return {**tables, first: replace(tables[first], notes=notes)}


def _parts(folder: Path) -> list[tuple[str, str]]:
    """The files of a folder that are named as parts are."""
    found = [(part, folder / f"{part}{suffix}") for part in PARTS for suffix in _SUFFIXES]
    there = [(part, path) for part, path in found if path.is_file()]
    if "train" not in dict(there):
        raise SourceError(f"{folder} has no train.tsv, train.csv or train.jsonl", "name a file of examples instead")
    if len(dict(there)) < len(there):
        raise SourceError(f"{folder} has a part in two formats", "keep one of them")
    for _, path in there:
        if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
            raise SourceError(
                f"{path} is a link that leads out of its folder", "copy the file there, or name it itself"
            )
    return [(part, str(path)) for part, path in there]


def _first_line(path: str) -> bytes:
    return first(Path(path)).partition(b"\n")[0]


class _Told(NamedTuple):
    """What is told of: a text, or an image, or an image and a question about it."""

    image: str
    source: str

    @property
    def unit(self) -> str:
        """What stands on one side of a split as a whole."""
        return self.image or self.source


_Grouped = dict[_Told, Example]


def _grouped(rows: Iterable[Row], notes: list[str]) -> _Grouped:
    """The outputs of each source; rows with an empty or an overlong side are left out and counted."""
    grouped: dict[_Told, dict[str, tuple[Place, ...]]] = {}
    left_out: dict[str, list[int]] = {}
    for row in rows:
        if not (row.source.strip() or row.image) or not row.output.strip():
            left_out.setdefault("an empty side", []).append(row.number)
        elif len(row.source) > LONGEST or len(row.output) > LONGEST:
            left_out.setdefault(f"more than {LONGEST} characters on a side", []).append(row.number)
        else:
            grouped.setdefault(_Told(row.image, row.source), {})[row.output] = row.places
    for why, places in left_out.items():
        notes.append(f"left out {counted(len(places), 'row')} with {why}, the first is row {places[0]}")
    several = sum(len(outputs) > 1 for outputs in grouped.values())
    if several:
        what = "image" if next(iter(grouped)).image else "source"
        notes.append(f"{counted(several, what)} with more than one output: any of them counts as right")
    return {
        told: Example(told.source, tuple(outputs), told.image, tuple(outputs.values()) if any(outputs.values()) else ())
        for told, outputs in grouped.items()
    }


def _split(grouped: _Grouped, origin: Origin) -> dict[str, tuple[Example, ...]]:
    """Split by source or image, at random by the seed: whatever order a file has, one is in the same part."""

    def place(unit: str) -> bytes:
        return sha256(f"{origin.seed}\0{unit}".encode("utf-8", "surrogatepass")).digest()

    order = sorted({told.unit for told in grouped}, key=place)
    sizes = {
        part: min(HELD_OUT_MOST, int(HELD_OUT * len(order))) if fraction is None else int(fraction * len(order))
        for part, fraction in (("val", origin.val_fraction), ("test", origin.test_fraction))
    }
    if sum(sizes.values()) >= len(order):
        raise ConfigError("val_fraction and test_fraction leave nothing to train on", "give smaller ones")
    of_unit: dict[str, list[Example]] = {unit: [] for unit in order}
    for told, example in grouped.items():
        of_unit[told.unit].append(example)
    parts, begin = {}, 0
    for part, size in sizes.items():
        parts[part], begin = order[begin : begin + size], begin + size
    parts["train"] = order[begin:]
    return {part: tuple(example for unit in units for example in of_unit[unit]) for part, units in parts.items()}


def _apart(grouped: dict[str, _Grouped], notes: list[str]) -> dict[str, tuple[Example, ...]]:
    """The given parts, where a source or image that is held out is in no other: the test keeps it, then validation."""
    taken: set[str] = set()
    parts = {}
    for part in ("test", "val", "train"):
        examples = grouped.get(part, {})
        both = [told for told in examples if told.unit in taken]
        if both:
            what = "image" if both[0].image else "source"
            several = counted(len({told.unit for told in both}), what)
            notes.append(f"removed {several} from {part} that a held-out part has too")
        parts[part] = tuple(example for told, example in examples.items() if told.unit not in taken)
        taken |= {told.unit for told in examples}
    return parts


def _digest(parts: dict[str, tuple[Example, ...]]) -> str:
    """SHA-256 over all parts and examples in their order, in hexadecimal."""
    digest = sha256()
    for part in PARTS:
        for source, outputs, image, _ in parts.get(part, ()):
            about = (image, source) if image else (source,)
            digest.update("\0".join((part, *about, *outputs, "\n")).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _fields(folder: Path, table: Table) -> tuple[str, str] | None:
    """The regular expressions of both columns, where the folder has them."""
    path = folder / FIELDS
    if not path.is_file():
        return None
    try:
        known = msgspec.json.decode(first(path), type=dict[str, str])
        for pattern in known.values():
            re.compile(pattern)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, re.error) as error:
        raise SourceError(f"{path} has no regular expression for each column: {error}", "mend or remove it") from None
    source, target = table.columns
    return (known[source], known[target]) if source in known and target in known else None


def most_common(examples: Sequence[Example]) -> tuple[str, int]:
    """Return the output that is right most often, and how often."""
    (output, count), *_ = Counter(output for example in examples for output in example.outputs).most_common(1)
    return output, count
