"""A list is told from prose, verse, code and dialogue; a suggestion says what to type."""

import random

import pytest

from charrnn.text.corpus import Corpus
from charrnn.text.listlike import suggestion
from charrnn.text.sources import Text, read

WORDS = ["".join(random.Random(n).choices("abcdefgh", k=6)) for n in range(500)]


def told(text):
    return suggestion(Corpus.from_text(Text("text", text)))


@pytest.mark.parametrize(
    "lines", [sorted(WORDS), WORDS[:60] + WORDS, sorted(f"{word}, {word}" for word in WORDS), ["CCO", "CCN"] * 30]
)
def test_a_sorted_or_repeating_list_of_short_lines_looks_like_one(lines):
    assert "--each line learns them one by one" in told("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(WORDS),  # in no order, each once: it may be anything
        "\n".join(sorted(word + "." for word in WORDS)),
        "\n".join(sorted(8 * word for word in WORDS)),
        "\n\n".join(sorted(WORDS)),
        "\n".join("    " + word for word in sorted(WORDS)),
        "\n".join(sorted(WORDS)[:20]),
        "a text of one line" * 9,
    ],
)
def test_what_may_be_something_else_is_not_taken_for_a_list(text):
    assert told(text) is None


def test_the_standard_library_is_no_list_and_its_names_are_one():
    assert suggestion(Corpus.from_text(read(["python"]))) is None
    named = suggestion(Corpus.from_text(read(["python-names"])))
    assert named == "python-names is a set of many short texts: --each line learns them one by one"
