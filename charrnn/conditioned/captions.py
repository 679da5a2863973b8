"""Captions of images and questions about them, in the formats that people have them in -> rows with an image."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from charrnn.conditioned.rows import Columns, Row, Table, decoded, first_names, lines
from charrnn.conditioned.symbols import Kind
from charrnn.errors import SourceError, counted
from charrnn.text.reading import DEFAULT, Reading
from charrnn.text.tables import cells

IMAGE_COLUMNS = ("image", "file_name", "filename", "file_path", "picture")
_OUTPUTS = ("caption", "answer", "label", "target", "text")
_SPLIT = "split"
_PARTS = {"train": "train", "restval": "train", "val": "val", "dev": "val", "valid": "val", "test": "test"}
_FLICKR = re.compile(r"([^\t\n]+)#\d+\t")
_FORMS = "Flickr8k.token.txt, COCO, Karpathy, VQA, CLEVR, a list of file_path and captions, or a table"
_TABLES = (".jsonl", ".ndjson", ".tsv", ".csv")
Name = str | int


class Place(NamedTuple):
    """Where in a picture is what an output's symbols from `begin` to `end` tell of; shares of its width and height."""

    begin: int
    end: int
    box: tuple[float, float, float, float]  # left, top, right, bottom


class _Sentence(msgspec.Struct):
    raw: str = ""
    tokens: list[str] = []
    places: tuple[Place, ...] = ()


class _Image(msgspec.Struct):
    id: Name = ""
    file_name: str = ""
    filename: str = ""
    split: str = ""
    sentences: list[_Sentence] = []


class _Annotation(msgspec.Struct):
    image_id: Name
    caption: str | None = None
    question_id: Name | None = None
    multiple_choice_answer: str | None = None


class _Question(msgspec.Struct):
    question: str
    answer: str | float | bool | None = None
    image_filename: str = ""
    image_id: Name = ""
    question_id: Name | None = None
    split: str = ""
    places: tuple[Place, ...] = ()


class _Dataset(msgspec.Struct):
    images: list[_Image] = []
    annotations: list[_Annotation] = []
    questions: list[_Question] = []


class _Listed(msgspec.Struct):
    file_path: str
    captions: list[str]
    split: str = ""


def are_of_images(paths: Sequence[str]) -> bool:
    """Whether files are of a format that only captions and questions come in."""
    return any(Path(file).suffix == ".json" or _is_flickr(file) for path in paths for file in _in_folder(Path(path)))


def read_images(paths: Sequence[str], wanted: Columns, reading: Reading = DEFAULT) -> Table:
    """Read captions or questions of one or several files, or of the one file in a folder.

    Raises:
        SourceError: a file cannot be read, or is of no known format.
    """
    files = [file for path in paths for file in _in_folder(Path(path))]
    if not files:
        raise SourceError(f"{paths[0]} has no file of captions or questions", f"give {_FORMS}")
    if len(paths) == 1 and len(files) > 1:
        raise SourceError(f"{paths[0]} has several files of examples", f"name one, such as {files[0]}")
    notes: list[str] = []
    if len(files) == 1 and not files[0].endswith(".json"):
        text = decoded(files[0], reading, notes)
        if _FLICKR.match(text):
            return Table(tuple(_flickr(files[0], text)), ("image", "caption"), wanted.kind, notes=tuple(notes))
        return _of_table(files[0], text, wanted, tuple(notes))
    found = [_decoded(file, decoded(file, reading, notes)) for file in files]
    by_file = {file: _part_of(Path(file).name) for file in files}
    split = by_file if len(files) > 1 and all(by_file.values()) and "train" in by_file.values() else {}
    asked = any(isinstance(each, _Dataset) and each.questions for each in found)
    make = _questions if asked else _captions
    rows = tuple(row for row in make(found, [split.get(file, "") for file in files]))
    if not rows:
        raise SourceError(f"{files[0]} has no captions and no questions with answers", f"give {_FORMS}")
    kind: Kind = "label" if asked and wanted.target is None and not wanted.spaced else wanted.kind
    return Table(rows, ("question", "answer") if asked else ("image", "caption"), kind, notes=tuple(notes))


def _in_folder(path: Path) -> list[str]:
    """The files of examples in a folder, which may have none, or the file itself."""
    if not path.is_dir():
        return [str(path)]
    found = [each for each in sorted(path.iterdir()) if each.suffix in (".json", *_TABLES) or _is_flickr(each.name)]
    return [str(each) for each in found if each.name != "fields.json"]


def _is_flickr(name: str) -> bool:
    return name.endswith((".token.txt", ".token"))


def _decoded(path: str, text: str) -> _Dataset | list[_Listed]:
    try:
        if text.lstrip().startswith("["):
            return msgspec.json.decode(text, type=list[_Listed])
        return msgspec.json.decode(text, type=_Dataset)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as error:
        raise SourceError(f"{path} holds no captions or questions ({error})", f"give {_FORMS}") from None


def _part_of(name: str) -> str:
    """The part that a name or a split tells of; none: "".

    >>> [_part_of(name) for name in ("captions_train2014.json", "restval", "dataset.json")]
    ['train', 'train', '']
    """
    return next((part for word, part in _PARTS.items() if re.search(rf"(?<![a-z]){word}(?![a-z])", name.lower())), "")


def _captions(found: Sequence[_Dataset | list[_Listed]], split: Sequence[str]) -> Iterator[Row]:
    for each, of_file in zip(found, split, strict=True):
        if isinstance(each, list):
            for number, listed in enumerate(each, 1):
                part = _part_of(listed.split) or of_file
                yield from (Row("", caption, number, listed.file_path, part) for caption in listed.captions)
            continue
        names = {image.id: image.file_name or image.filename or str(image.id) for image in each.images}
        for number, image in enumerate(each.images, 1):
            part = _part_of(image.split) or of_file
            for said in image.sentences:
                text = said.raw or " ".join(said.tokens)
                yield Row("", text, number, image.filename or image.file_name, part, said.places)
        for number, note in enumerate(each.annotations, 1):
            if note.caption is not None:
                yield Row("", note.caption, number, names.get(note.image_id, str(note.image_id)), of_file)
            elif note.question_id is not None:
                raise SourceError("answers are given without their questions", "name the file of questions, too")


def _questions(found: Sequence[_Dataset | list[_Listed]], split: Sequence[str]) -> Iterator[Row]:
    sets = [each for each in found if isinstance(each, _Dataset)]
    answers = {note.question_id: note.multiple_choice_answer for each in sets for note in each.annotations}
    for each, of_file in zip(found, split, strict=True):
        for number, asked in enumerate(each.questions if isinstance(each, _Dataset) else (), 1):
            answer = asked.answer if asked.answer is not None else answers.get(asked.question_id)
            if isinstance(answer, bool):
                answer = "yes" if answer else "no"
            elif isinstance(answer, float):
                answer = f"{answer:g}"
            image = asked.image_filename or str(asked.image_id)
            part = _part_of(asked.split) or of_file
            yield Row(asked.question, answer or "", number, image, part, asked.places)


def _flickr(path: str, text: str) -> Iterator[Row]:
    for number, line in enumerate(lines(text), 1):
        found = _FLICKR.match(line)
        if found is None and line.strip():
            raise SourceError(
                f"line {number} of {path} has no #N and tab", "write a name, #0 and a tab before a caption"
            )
        if found:
            yield Row("", line[found.end() :], number, found[1])


def _of_table(path: str, text: str, wanted: Columns, notes: tuple[str, ...]) -> Table:
    """Rows of a table that names its columns: image, then caption or label, or question and answer; also split."""
    names = first_names(path, text)
    image = next((name for name in IMAGE_COLUMNS if name in names), None)
    if image is None:
        shown = ", ".join(names[:8])
        raise SourceError(f"{path} has no column {IMAGE_COLUMNS[0]}, but {shown}", "name the column of images so")
    source = None if wanted.source == image else wanted.source or ("question" if "question" in names else None)
    output = wanted.target or wanted.label or next((name for name in _OUTPUTS if name in names), _OUTPUTS[0])
    columns = [image, output, *([source] if source else []), *([_SPLIT] if _SPLIT in names else [])]
    rows = []
    for number, found in enumerate(cells(text, path, columns), 1):
        row = dict(zip(columns, found, strict=True))
        part = _part_of(row.get(_SPLIT) or "")
        rows.append(Row(row.get(source or "") or "", row[output] or "", number, row[image] or "", part))
    asked = (source is not None or output == "label") and wanted.target is None and not wanted.spaced
    kind: Kind = "label" if asked else wanted.kind
    return Table(tuple(rows), (source or image, output), kind, named=True, notes=notes)


def told_missing(missing: Sequence[str], path: str) -> str:
    """Return the note of images that a file of features does not have."""
    return f"left out {counted(len(missing), 'image')} without features in {path}, the first is {missing[0]}"
