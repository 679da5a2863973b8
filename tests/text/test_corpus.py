import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.errors import ConfigError, SourceError
from charrnn.text import corpus as corpus_module
from charrnn.text.corpus import Corpus, part_of
from charrnn.text.sources import Text

FRACTIONS = st.floats(0, 0.45)


@given(st.text(min_size=20, max_size=60), FRACTIONS, FRACTIONS)
def test_the_parts_follow_one_another_and_are_together_the_text(characters, val, test):
    text = Text("any", characters)
    corpus = Corpus.from_text(text, val, test)
    decoded = {name: corpus.vocabulary.decode(ids) for name, ids in corpus.parts.items()}
    assert "".join(decoded.values()) == characters
    assert list(decoded) == [name for name in ("train", "val", "test") if name in decoded]
    assert len(corpus) == len(characters)


@given(st.text(min_size=20, max_size=60), FRACTIONS, FRACTIONS)
def test_part_of_gives_each_part_as_it_was_split(characters, val, test):
    text = Text("any", characters)
    corpus = Corpus.from_text(text, val, test)
    for name, ids in corpus.parts.items():
        assert part_of(text, corpus.split, name) == corpus.vocabulary.decode(ids)
        assert corpus.split[name] == len(ids)


def test_the_fractions_are_of_the_whole_text():
    corpus = Corpus.from_text(Text("any", "ab" * 50), 0.2, 0.1)
    assert corpus.split == {"train": 70, "val": 20, "test": 10}
    assert corpus.notes == ()


def held_out(corpus):
    return [corpus.split[name] for name in ("val", "test")]


@pytest.mark.parametrize(("length", "expected"), [(100, 5), (119, 5), (139, 6), (141, 6), (1000, 6)])
def test_the_parts_held_out_by_default_grow_with_the_text_up_to_a_bound(monkeypatch, length, expected):
    monkeypatch.setattr(corpus_module, "HELD_OUT_MOST", 6)
    assert held_out(Corpus.from_text(Text("any", "a" * length))) == [expected, expected]


def test_of_a_large_text_a_million_characters_are_held_out_for_each_part():
    assert held_out(Corpus.from_text(Text("any", "a" * 20_000_040))) == [1_000_000, 1_000_000]


def test_a_fraction_that_is_given_is_taken_as_given_and_only_a_bound_that_bites_is_noted(monkeypatch):
    monkeypatch.setattr(corpus_module, "HELD_OUT_MOST", 6)
    text = Text("any", "a" * 200)
    given = Corpus.from_text(text, 0.05, 0.1)
    assert (held_out(given), given.notes) == ([10, 20], ())
    half = Corpus.from_text(text, 0.05)
    assert held_out(half) == [10, 6]
    assert half.notes == ("by default no more than 6 characters are held out for test (--test-fraction)",)
    assert "for validation (--val-fraction) or test (--test-fraction)" in Corpus.from_text(text).notes[0]
    assert Corpus.from_text(Text("any", "a" * 139)).notes == ()


def test_a_word_is_trained_on_and_the_parts_left_out_are_noted():
    corpus = Corpus.from_text(Text("hello", "hello", notes=("read",)))
    assert corpus.split == {"train": 5}
    assert corpus.notes == (
        "read",
        "the text is too short for a validation part; it was left out",
        "the text is too short for a test part; it was left out",
    )


def test_a_part_that_nobody_asked_for_is_not_noted():
    assert Corpus.from_text(Text("hello", "hello"), 0, 0).notes == ()


def test_a_part_of_one_character_is_left_to_training():
    corpus = Corpus.from_text(Text("any", "abcdefghij"), 0.1, 0.2)
    assert corpus.split == {"train": 8, "test": 2}
    assert "validation" in corpus.notes[0]


def test_characters_of_validation_alone_are_in_the_vocabulary():
    corpus = Corpus.from_text(Text("any", "a" * 18 + "yz"), 0.1, 0)
    assert corpus.vocabulary.characters == "ayz"


@pytest.mark.parametrize(("val", "test"), [(1, 0), (0, 1), (0.5, 0.5), (0.9, 0.9), (0.5, 0.4)])
def test_fractions_that_leave_nothing_to_train_on_are_an_error(val, test):
    with pytest.raises(ConfigError, match=f"val_fraction {val} and test_fraction {test} leave .* choose smaller"):
        Corpus.from_text(Text("any", "abcdefghij"), val, test)


@pytest.mark.parametrize("fraction", [-0.1, 1.1, float("nan")])
@pytest.mark.parametrize("name", ["val_fraction", "test_fraction"])
def test_a_fraction_outside_its_range_is_named(name, fraction):
    with pytest.raises(ConfigError, match=f"{name} is .*; give a value from 0 to 1"):
        Corpus.from_text(Text("any", "abcdefghij"), **{name: fraction})


def test_a_text_of_one_character_is_an_error():
    with pytest.raises(SourceError, match="any has one character only"):
        Corpus.from_text(Text("any", "a"))


def test_a_text_of_two_equal_characters_is_a_corpus():
    assert Corpus.from_text(Text("any", "aa")).split == {"train": 2}


def test_a_corpus_knows_where_its_text_came_from():
    text = Text("poem", "abc", licence="CC0-1.0", source="https://poems.example/abc")
    corpus = Corpus.from_text(text)
    assert (corpus.name, corpus.sha256, corpus.licence) == ("poem", text.sha256, "CC0-1.0")
    assert corpus.source == "https://poems.example/abc"
