"""Symbols longer than a character: texts of words, and of what stands between spaces."""

from itertools import chain, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.errors import ConfigError, SourceError, VocabularyError
from charrnn.text.cache_files import Entry, sealed
from charrnn.text.corpus import Corpus
from charrnn.text.item_corpus import ItemCorpus
from charrnn.text.items import Each, Items, cut
from charrnn.text.sources import Text, listed
from charrnn.text.symbols import Folded, Symbols, last_characters, pieces_of, plain, spaced, split, split_pieces
from charrnn.text.vocabulary import END

TEXT = "The cat sat on the mat; the dog didn't. It's 1984!\n" * 20 + "A zebra ran."
TUNE = "K: D |\nd2 e f | g  a b :|\n"


def corpus(text, kind, **options):
    return Corpus.from_text(Text("any", text), kind=kind, **options)


def whole(read):
    return read.vocabulary.decode(np.concatenate(list(read.parts.values())))


@given(st.text(alphabet=st.characters(codec="utf-8", max_codepoint=0xEFFFF), min_size=2))
def test_a_text_is_what_its_words_and_characters_spell(text):
    read = corpus(text, "word", val_fraction=0, test_fraction=0, min_count=2)
    assert whole(read) == text
    assert (read.vocabulary.encode(text) == read.parts["train"]).all()
    assert read.characters == {"train": len(text)}


@given(st.text(alphabet="ab'’é\u0301 \n1.", max_size=300), st.lists(st.integers(0, 300), max_size=6))
def test_the_symbols_of_a_text_in_pieces_are_those_of_the_whole(text, cuts):
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[one:other] for one, other in pairwise(places)]
    for kind in ("word", "spaced"):
        assert list(chain.from_iterable(split_pieces(pieces, kind))) == split(text, kind)


@given(st.text(alphabet="ab \t\n|", min_size=2))
def test_what_stands_between_spaces_is_written_with_one(text):
    if len(split(text, "spaced")) < 2:
        return
    read = corpus(text, "spaced", val_fraction=0, test_fraction=0)
    normal = spaced(text)
    assert whole(read) == normal.strip(" ")
    assert (read.vocabulary.encode(normal) == read.parts["train"]).all()
    assert read.characters == {"train": len(whole(read))}


def test_frequent_words_are_symbols_and_rare_ones_are_spelled():
    read = corpus(TEXT, "word")
    assert {"The", "the", "didn't", "1984"} <= set(read.vocabulary.names)
    assert "zebra" not in read.vocabulary.names
    assert read.vocabulary.pieces(read.vocabulary.encode("the zebra")) == ["the", " ", *"zebra"]
    assert read.notes[0] == (
        "10 words and 28 characters are symbols; 2 rarer words, at 2 places, are spelled in characters"
    )


def test_min_count_says_how_rare_a_word_is_that_is_spelled_and_nothing_is_folded():
    read = corpus(TEXT, "word", min_count=30)
    assert [name for name in read.vocabulary.names if len(name) > 1] == ["the"]
    assert not read.vocabulary.folds


def test_rare_symbols_between_spaces_are_folded():
    read = corpus(TUNE * 9 + "q9", "spaced", min_count=2)
    assert read.vocabulary.decode(read.vocabulary.encode("d2 q9 never")) == "d2 \ufffd \ufffd"


def test_a_character_that_was_never_seen_is_unknown_and_so_is_a_symbol_between_spaces():
    words, tune = corpus(TEXT, "word").vocabulary, corpus(TUNE, "spaced").vocabulary
    with pytest.raises(VocabularyError, match="never seen 1 symbol: 'ß'"):
        words.encode("the ßat")
    assert plain(words.known("the ßat")) == "the at"
    with pytest.raises(VocabularyError, match="never seen 2 symbols: 'd3' 'x'"):
        tune.encode("d2 d3 x")
    assert words.knows("the ß").tolist() == [True, True, False]


def test_held_out_parts_begin_behind_white_space_so_that_their_text_has_their_ids():
    read = corpus("didn't " * 3 + "extraordinarily wonderful " * 40, "word", min_count=100)
    for part in read.parts.values():
        assert (read.vocabulary.encode(read.vocabulary.decode(part)) == part).all()
    assert list(read.split) == ["train", "val", "test"]


def test_a_folded_text_stays_one_and_is_spelled_with_its_spaces():
    tune = Symbols("spaced", ("d2", ":|"))
    text = tune.folded("d2 e :|\nd2")
    assert len(text) == 5
    assert isinstance(text[1:], Folded)
    assert plain("e" + text[1:]) == "e e :|\nd2"
    assert pieces_of(text) == ["d2", " e", " :|", "\n", "d2"]
    assert last_characters(text).tolist() == [1, 3, 6, 7, 9]


def test_items_keep_their_symbols_and_their_ends():
    each = Each("line", spaced=True)
    items = Items.of(Text("phones", ""), each, list(cut("HH  AH\nK AE T\n \n" * 9, each)))
    read = ItemCorpus.from_items(items, 0, 0, 0, kind="spaced")
    assert set(read.items("train")) == {"HH AH", "K AE T"}
    assert items.skipped == 9
    assert read.split == {"train": 9 * (2 + 3 + 2)}
    assert read.characters == {"train": 9 * (5 + 6 + 2)}
    assert read.vocabulary.decode(read.parts["train"][:4]) in (f"{END}HH AH{END}", f"{END}K AE T")


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("word", ("a",)),
        ("word", ("two words",)),
        ("word", ("the", "the")),
        ("spaced", ("d e",)),
        ("spaced", ("x\U000f0000",)),
        ("spaced", ("x" * 257,)),
        ("label", ("the",)),
    ],
)
def test_what_is_no_symbol_is_refused(kind, names):
    with pytest.raises(ConfigError):
        Symbols(kind, names)


def test_a_text_with_stand_ins_and_one_with_symbols_too_long_are_refused():
    with pytest.raises(SourceError, match="private use"):
        corpus("the \U000f0001 cat", "word")
    with pytest.raises(SourceError, match="a symbol of 300 characters: xxxxxxxxxxxxxxxxxxxx…"):
        corpus("a b " + "x" * 300, "spaced")


def test_a_large_text_of_words_is_kept_and_found_again(tmp_path, monkeypatch):
    monkeypatch.setenv("CHARRNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("charrnn.text.cache.LARGE", 100)
    (tmp_path / "book.txt").write_text(TEXT)
    read = [Corpus.from_listing(listed([str(tmp_path / "book.txt")]), kind="word") for _ in range(2)]
    (entry,) = (tmp_path / "cache").glob("*.entry")
    assert sealed(entry, Entry).encoded.symbols == read[0].vocabulary.symbols
    for again in read:
        assert whole(again) == TEXT
        assert again.sha256 == corpus(TEXT, "word").sha256
    assert len(Corpus.from_listing(listed([str(tmp_path / "book.txt")])).vocabulary) < len(read[0].vocabulary)


def test_the_words_of_a_model_are_kept_where_a_text_is_to_be_read_as_it_does():
    known = corpus(TEXT, "word").vocabulary.symbols
    other = corpus("zebra zebra zebra zebra zebra cat", "word", known=known, val_fraction=0, test_fraction=0)
    assert other.vocabulary.symbols == known
    assert other.vocabulary.pieces(other.parts["train"][-3:]) == ["a", " ", "cat"]
    more = corpus("d2 d3", "spaced", known=Symbols("spaced", ("zz", "d2")), val_fraction=0, test_fraction=0)
    assert more.vocabulary.symbols.names == ("zz", "d2", "d3")
