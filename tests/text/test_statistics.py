import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.errors import SourceError
from charrnn.text.sources import Text
from charrnn.text.statistics import entropies, statistics


def naive(ids, k):
    """H(X | k before), from the counts of contexts and of contexts with their next character."""
    pairs = Counter((tuple(ids[n - k : n]), ids[n]) for n in range(k, len(ids)))
    contexts = Counter(context for context, _ in pairs.elements())
    total = sum(pairs.values())
    return -sum(count / total * math.log2(count / contexts[context]) for (context, _), count in pairs.items())


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60))
def test_entropies_equal_the_naive_count(ids):
    assert entropies(np.array(ids)) == pytest.approx([naive(ids, k) for k in range(6)], abs=1e-9)


def test_a_context_more_never_says_less_where_the_text_is_long():
    found = entropies(np.random.default_rng(0).integers(0, 4, 200_000))
    assert found[0] == pytest.approx(2, abs=1e-3)
    assert found == sorted(found, reverse=True)


def test_ids_of_a_byte_do_not_overflow():
    ids = np.arange(256, dtype=np.uint8)
    assert entropies(ids) == pytest.approx([8, 0, 0, 0, 0, 0])


def test_characters_lines_and_ends_are_counted():
    found = statistics(Text("any", "aaab\nccd"))
    assert (found.characters, found.distinct, found.lines) == (8, 5, 2)
    assert found.commonest == [("a", 3), ("c", 2), ("\n", 1), ("b", 1), ("d", 1)]
    assert found.rarest[0] == ("d", 1)


def test_characters_that_training_does_not_see_are_named_with_their_part():
    found = statistics(Text("any", "ab" * 90 + "a" * 8 + "zz" + "b" * 9 + "y"))
    assert found.unseen == {"val": {"z": 2}, "test": {"y": 1}}


def test_a_text_of_one_character_is_an_error():
    with pytest.raises(SourceError, match="one character only"):
        statistics(Text("any", "a"))


def test_a_large_text_is_counted_in_pieces_and_its_entropies_on_the_first_characters(monkeypatch):
    whole = statistics(Text("any", "ab" * 20 + "c" * 60))
    monkeypatch.setattr("charrnn.text.statistics._CHUNK", 7)
    monkeypatch.setattr("charrnn.text.statistics.ENTROPY_LIMIT", 40)
    found = statistics(Text("any", "ab" * 20 + "c" * 60))
    assert (found.commonest, found.unseen) == (whole.commonest, whole.unseen)
    assert (whole.entropy_characters, found.entropy_characters) == (100, 40)
    assert found.entropies == pytest.approx([1, 0, 0, 0, 0, 0], abs=1e-9)
