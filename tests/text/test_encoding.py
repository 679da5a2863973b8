"""A text that is encoded piece by piece, in a file, is the text; and what is rare in it is folded on request."""

import io
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.errors import ConfigError
from charrnn.text import encoding
from charrnn.text.encoding import encode
from charrnn.text.vocabulary import UNKNOWN, Vocabulary

ANY_CHARACTER = st.characters(exclude_categories=())  # lone surrogates too
PIECES = st.lists(st.text(ANY_CHARACTER, max_size=9), max_size=9)


def encoded(pieces, min_count=1):
    """What is known of the text, and its ids."""
    file = io.BytesIO()
    known = encode(pieces, file, min_count)
    return known, np.frombuffer(file.getvalue(), known.id_type)


def decoded(known, ids):
    return "".join(chr(known.codes[i]) for i in ids)


@given(PIECES)
def test_pieces_to_ids_to_text_is_the_identity(pieces):
    known, ids = encoded(pieces)
    text = "".join(pieces)
    assert decoded(known, ids) == text
    assert known.codes == sorted(map(ord, set(text)))
    assert (known.length, known.folded) == (len(text), 0)
    assert known.sha256 == sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@given(PIECES.filter(any))
def test_the_ids_are_the_vocabularys(pieces):
    text = "".join(pieces)
    assert encoded(pieces)[1].tolist() == Vocabulary(text).encode(text).tolist()


@pytest.mark.parametrize("size", [255, 256, 257, 65535, 65536, 65537, 70000])
@pytest.mark.parametrize("piece", [3, 300, 70001])
def test_ids_grow_wider_as_characters_appear_and_are_right_from_the_first(monkeypatch, size, piece):
    monkeypatch.setattr(encoding, "_PIECE", 1000)
    text = "ab" * 700 + "".join(map(chr, reversed(range(500, 500 + size)))) + "ba" * 700
    pieces = [text[i : i + max(piece, size // 200)] for i in range(0, len(text), max(piece, size // 200))]
    known, ids = encoded(pieces)
    assert decoded(known, ids) == text
    assert ids.dtype == Vocabulary(text).id_type


@given(PIECES.filter(any), st.integers(1, 5))
def test_characters_rarer_than_min_count_become_one_symbol_and_no_others_do(pieces, min_count):
    text = "".join(pieces)
    folded = "".join(c if text.count(c) >= min_count else UNKNOWN for c in text)
    if set(folded) == {UNKNOWN} and text.count(UNKNOWN) < min_count:
        with pytest.raises(ConfigError, match=f"min_count {min_count} leaves no character"):
            encoded(pieces, min_count)
        return
    known, ids = encoded(pieces, min_count)
    assert decoded(known, ids) == folded
    assert known.folded == len({c for c in text if text.count(c) < min_count})
    assert known.folded_places == sum(text.count(c) < min_count for c in text)


@pytest.mark.parametrize("min_count", [0, -1])
def test_a_min_count_below_one_is_an_error(min_count):
    with pytest.raises(ConfigError, match=f"min_count is {min_count}"):
        encoded(["ab"], min_count)
