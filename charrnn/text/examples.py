"""The example sets of many short texts, as tables made from the files of those who gathered them."""

import csv
import io
import re
from collections.abc import Iterable, Sequence

_VARIANT = re.compile(r"\(\d+\)$")  # of a word's second, third, … pronunciation


def labelled(contents: Sequence[str], labels: Sequence[str]) -> str:
    r"""Return a table of text and label: the lines of each file, which has a label of its own.

    >>> print(labelled(["good , it is\n", "bad\n\n"], ["positive", "negative"]))
    text,label
    "good , it is",positive
    bad,negative
    <BLANKLINE>
    """
    rows = ((line.strip(), label) for content, label in zip(contents, labels, strict=True) for line in _lines(content))
    return _table(("text", "label"), rows)


def pronunciations(content: str) -> str:
    r"""Return a table of word and phones, made from lines as the CMU Pronouncing Dictionary has them.

    >>> print(pronunciations("aalto AA1 L T OW2 # name, finnish\na(2) EY1\n"))
    word,phones
    aalto,AA1 L T OW2
    a,EY1
    <BLANKLINE>
    """
    pairs = (line.partition(" #")[0].split(maxsplit=1) for line in _lines(content))
    return _table(("word", "phones"), ((_VARIANT.sub("", word), phones.strip()) for word, phones in pairs))


def _lines(content: str) -> list[str]:
    return [line for line in content.split("\n") if line.strip()]


def _table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    written = io.StringIO(newline="")
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)
    return written.getvalue()
