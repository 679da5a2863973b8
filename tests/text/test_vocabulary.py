import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.errors import VocabularyError
from charrnn.text.vocabulary import Vocabulary

ANY_TEXT = st.text(st.characters(exclude_categories=()))  # lone surrogates too
SOME_TEXT = st.text(st.characters(exclude_categories=()), min_size=1)


@given(SOME_TEXT)
def test_encode_then_decode_is_the_identity(text):
    vocabulary = Vocabulary(text)
    assert vocabulary.decode(vocabulary.encode(text)) == text


@given(SOME_TEXT)
def test_decode_then_encode_is_the_identity(text):
    vocabulary = Vocabulary(text)
    ids = np.arange(len(vocabulary))[::-1]
    assert vocabulary.encode(vocabulary.decode(ids)).tolist() == ids.tolist()


@given(SOME_TEXT)
def test_ids_are_places_in_code_point_order(text):
    vocabulary = Vocabulary(text)
    assert vocabulary.characters == "".join(sorted(set(text)))
    assert len(vocabulary) == len(set(text))
    assert vocabulary.encode(text).tolist() == [vocabulary.characters.index(c) for c in text]


@given(SOME_TEXT)
def test_the_vocabulary_of_a_vocabulary_is_itself(text):
    vocabulary = Vocabulary(text)
    assert Vocabulary(vocabulary.characters).characters == vocabulary.characters


@given(SOME_TEXT, ANY_TEXT)
def test_known_and_unknown_split_a_text(learnt, text):
    vocabulary = Vocabulary(learnt)
    assert vocabulary.known(text) == "".join(c for c in text if c in learnt)
    assert vocabulary.unknown(text) == "".join(sorted(set(text) - set(learnt)))
    assert [c in vocabulary for c in text] == [c in learnt for c in text]


@given(SOME_TEXT, ANY_TEXT)
def test_a_text_is_encoded_or_its_unknown_characters_are_an_error(learnt, text):
    vocabulary = Vocabulary(learnt)
    if vocabulary.unknown(text):
        with pytest.raises(VocabularyError):
            vocabulary.encode(text)
    else:
        assert len(vocabulary.encode(text)) == len(text)


@pytest.mark.parametrize(
    ("size", "dtype"),
    [(1, "uint8"), (256, "uint8"), (257, "uint16"), (65536, "uint16"), (65537, "int32"), (0x110000, "int32")],
)
def test_ids_have_the_smallest_type_that_holds_them(size, dtype):
    vocabulary = Vocabulary(map(chr, range(size)))
    ids = vocabulary.encode(chr(size - 1))
    assert ids.dtype == vocabulary.id_type == np.dtype(dtype)
    assert ids.tolist() == [size - 1]


def test_unknown_characters_are_named_with_their_code_points():
    with pytest.raises(VocabularyError, match=r"never seen 2 characters: 'z' \(U\+007A\) '😀' \(U\+1F600\);"):
        Vocabulary("abc").encode("za😀bz")


def test_of_many_unknown_characters_five_are_named():
    with pytest.raises(VocabularyError, match=r"never seen 7 characters: 'a' .* 'e' \(U\+0065\) …;"):
        Vocabulary("z").encode("abcdefg")


def test_an_unknown_control_character_does_not_break_the_line():
    with pytest.raises(VocabularyError) as caught:
        Vocabulary("a").encode("\n\x1b\ud800")
    assert str(caught.value).isprintable()


def test_an_empty_text_encodes_to_no_ids():
    vocabulary = Vocabulary("a")
    assert vocabulary.encode("").tolist() == []
    assert vocabulary.decode([]) == vocabulary.known("") == vocabulary.unknown("") == ""


def test_a_vocabulary_of_nothing_is_an_error():
    with pytest.raises(VocabularyError, match="at least one character"):
        Vocabulary("")


def test_characters_known_in_another_form_are_told_so():
    with pytest.raises(VocabularyError, match="write the text in Unicode's form NFC, which it knows, or train on"):
        Vocabulary("caf\u00e9").encode("cafe\u0301")
    with pytest.raises(VocabularyError, match="form NFD"):
        Vocabulary("cafe\u0301").encode("caf\u00e9")
