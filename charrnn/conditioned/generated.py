"""Generated examples whose answers are known exactly: dates and numbers, in several forms each."""

import datetime
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from charrnn.conditioned import glyphs, scenes
from charrnn.conditioned.examples import FIELDS, PARTS
from charrnn.errors import ConfigError
from charrnn.files import make_folder, replacing

HELD_OUT = 2000  # examples for validation and for the test each
MOST = 40_000  # examples in all, where nothing else is asked for
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_KOREAN_DAYS = "월화수목금토일"
_FIRST, _LAST = datetime.date(1600, 1, 1), datetime.date(2399, 12, 31)
_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_DIGITS, _PLACES = "영일이삼사오육칠팔구", ("", "십", "백", "천")
DATE_FIELDS = {  # where each column has the parts of a date
    "english": r"(?P<weekday>\w+), (?P<day>\d+) (?P<month>\w+) (?P<year>\d+)",
    "iso": r"(?P<year>\d+)-(?P<month>\d+)-(?P<day>\d+)",
    "korean": r"(?P<year>\d+년) (?P<month>\d+월) (?P<day>\d+일) (?P<weekday>\w+)",
}


@dataclass(frozen=True)
class Set:
    """A set of generated examples: its columns, and all rows in a random order."""

    columns: tuple[str, ...]
    rows: Callable[[random.Random, int], Iterator[tuple[str, ...]]]
    about: str
    fields: dict[str, str] | None = None


def dates(choose: random.Random, count: int) -> Iterator[tuple[str, ...]]:
    """Yield so many distinct dates from 1600 to 2399 in English, as ISO 8601 has them, and in Korean."""
    for day in choose.sample(range(_FIRST.toordinal(), _LAST.toordinal() + 1), count):
        yield date_forms(datetime.date.fromordinal(day))


def date_forms(date: datetime.date) -> tuple[str, str, str]:
    """Return a date in three forms.

    >>> date_forms(datetime.date(2026, 11, 26))
    ('Thursday, 26 November 2026', '2026-11-26', '2026년 11월 26일 목요일')
    """
    weekday = date.weekday()
    english = f"{_DAYS[weekday]}, {date.day} {_MONTHS[date.month - 1]} {date.year}"
    korean = f"{date.year}년 {date.month}월 {date.day}일 {_KOREAN_DAYS[weekday]}요일"
    return english, date.isoformat(), korean


def numbers(choose: random.Random, count: int) -> Iterator[tuple[str, ...]]:
    """Yield so many distinct numbers from 1 to 999,999: half of them evenly spread, half evenly by their length."""
    seen: set[int] = set()
    while len(seen) < count:
        length = choose.randint(1, 6) if choose.random() < 0.5 else 6
        number = choose.randint(1, 10**length - 1)
        if number not in seen:
            seen.add(number)
            yield str(number), english_number(number), korean_number(number)


def english_number(number: int) -> str:
    """Return a number from 1 to 999,999 in English words.

    >>> english_number(310_042)
    'three hundred ten thousand forty-two'
    """
    if number >= 1000:
        rest = f" {english_number(number % 1000)}" if number % 1000 else ""
        return f"{english_number(number // 1000)} thousand{rest}"
    if number >= 100:
        rest = f" {english_number(number % 100)}" if number % 100 else ""
        return f"{_ONES[number // 100]} hundred{rest}"
    if number < 20:
        return _ONES[number]
    return _TENS[number // 10] + (f"-{_ONES[number % 10]}" if number % 10 else "")


def korean_number(number: int) -> str:
    """Return a number from 1 to 99,999,999 in Sino-Korean words.

    >>> korean_number(310_042), korean_number(10_000)
    ('삼십일만 사십이', '만')
    """
    high, low = divmod(number, 10_000)
    upper = [] if not high else ["만" if high == 1 else f"{_below_10_000(high)}만"]
    return " ".join([*upper, *([_below_10_000(low)] if low else [])])


def _below_10_000(number: int) -> str:
    digits = [int(digit) for digit in f"{number:04}"]
    named = zip(digits, reversed(_PLACES), strict=True)
    return "".join(("" if digit == 1 and place else _DIGITS[digit]) + place for digit, place in named if digit)


@dataclass(frozen=True)
class PictureSet:
    """A set of generated pictures with what is said or asked about them; `write` makes them in a folder."""

    columns: tuple[str, ...]
    write: Callable[[Path, int, int], dict[str, int]]
    about: str
    most: int


SETS: dict[str, Set | PictureSet] = {
    "dates": Set(("english", "iso", "korean"), dates, "dates in English, in ISO 8601 and in Korean", DATE_FIELDS),
    "numbers": Set(("digits", "english", "korean"), numbers, "numbers up to 999,999: digits, English and Korean words"),
    "scenes": PictureSet(
        ("image", "caption"), scenes.write_scenes, "pictures of three things, and captions", scenes.MOST
    ),
    "questions": PictureSet(
        ("image", "question", "answer"), scenes.write_questions, "the same, and questions", scenes.MOST
    ),
    "glyphs": PictureSet(
        ("image", "caption"), glyphs.write_glyphs, "pictures of characters, and their names", glyphs.MOST
    ),
}
# what sets write, by whatever set
WRITTEN = (*(f"{part}.tsv" for part in PARTS), FIELDS, "images", "dataset.json", "questions.json", "examples.jsonl")


def write(name: str, folder: Path, count: int | None = None, seed: int = 0) -> dict[str, int]:
    """Write a set, and return the rows of each part.

    Pairs become train.tsv, val.tsv and test.tsv, with a line that names the columns; pictures lie in a folder beside a
    file in a format that such sets come in.

    Raises:
        ConfigError: something of a name that sets write is there.
        OSError: the folder cannot be written.
    """
    made = SETS[name]
    for path in map(folder.joinpath, WRITTEN):
        if os.path.lexists(path):
            raise ConfigError(f"{path} is there and would be overwritten", "name another folder, or move it")
    if isinstance(made, PictureSet):
        return made.write(folder, made.most if count is None else count, seed)
    count = MOST if count is None else count
    rows = list(made.rows(random.Random(seed), count))
    held_out = min(HELD_OUT, count // 10)
    cuts = {"val": rows[:held_out], "test": rows[held_out : 2 * held_out], "train": rows[2 * held_out :]}
    make_folder(folder)
    for part in PARTS:
        with replacing(folder / f"{part}.tsv") as temporary:
            lines = ["\t".join(row) + "\n" for row in (made.columns, *cuts[part])]
            temporary.write_text("".join(lines), "utf-8", newline="\n")
    if made.fields:
        with replacing(folder / FIELDS) as temporary:
            temporary.write_bytes(msgspec.json.format(msgspec.json.encode(made.fields)) + b"\n")
    return {part: len(cuts[part]) for part in PARTS}
