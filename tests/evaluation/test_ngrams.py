"""The laws of n-gram models, against counting by hand."""

import math
from collections import Counter

import numpy as np
import pytest

from charrnn.errors import ConfigError
from charrnn.evaluation.ngrams import MAX_ORDER, ngram_nats

V = 3
TRAIN = np.random.default_rng(1).choice(V, size=80, p=[0.6, 0.3, 0.1]).astype(np.uint8)


def probabilities(train, text, vocabulary_size=V, max_order=4):
    return [np.exp(-nats) for nats in ngram_nats(np.asarray(train), np.asarray(text), vocabulary_size, max_order)]


@pytest.mark.parametrize("context", [[], [0], [2, 1], [1, 0, 0], [2, 2, 2, 2], [0, 1, 0, 2, 1]])
def test_the_probabilities_of_what_may_follow_sum_to_1(context):
    each = [[p[-1] for p in probabilities(TRAIN, [*context, x], max_order=6)] for x in range(V)]
    np.testing.assert_allclose(np.sum(each, axis=0), 1)
    assert np.min(each) > 0


def test_a_character_that_training_never_saw_has_a_chance():
    assert min(p[-1] for p in probabilities([0, 1, 0, 1, 0, 0], [0, 2])) > 0


def by_hand(train, text):
    """A bigram model, from its equation."""
    train, bigrams = train.tolist(), Counter(zip(train.tolist(), train.tolist()[1:], strict=False))
    varied = Counter(x for _, x in bigrams)
    p = []
    for place, x in enumerate(text):
        d = {c: min(max(v, 0.05), c - 0.05) if c else 0 for c, v in discounts_of(varied).items()}
        lower = (max(varied[x] - d[min(varied[x], 3)], 0) + sum(d[min(c, 3)] for c in varied.values()) / V) / len(
            bigrams
        )
        if place == 0:
            p.append(lower)
            continue
        h = text[place - 1]
        following = {pair: c for pair, c in bigrams.items() if pair[0] == h}
        d = {c: min(max(v, 0.05), c - 0.05) if c else 0 for c, v in discounts_of(bigrams).items()}
        kept = max(bigrams[h, x] - d[min(bigrams[h, x], 3)], 0)
        p.append((kept + sum(d[min(c, 3)] for c in following.values()) * lower) / sum(following.values()))
    return p


def discounts_of(counts):
    n = Counter(counts.values())
    y = n[1] / (n[1] + 2 * n[2]) if n[1] else 0
    return {0: 0} | {c: c - (c + 1) * y * n[c + 1] / n[c] if n[c] else c / 2 for c in (1, 2, 3)}


def test_a_bigram_model_is_its_equation():
    text = [0, 0, 1, 2, 2, 1, 0, 1]
    np.testing.assert_allclose(probabilities(TRAIN, text, max_order=2)[1], by_hand(TRAIN, text))


def test_the_first_order_counts_characters():
    (p,) = probabilities([0] * 60 + [1] * 30 + [2] * 10, [0, 1, 2], max_order=1)
    np.testing.assert_allclose(p, [0.6, 0.3, 0.1], atol=0.02)


def test_a_text_that_repeats_is_learned_by_a_long_context():
    period = [0, 1, 0, 0, 2]
    nats = [nats[10:].mean() for nats in ngram_nats(np.array(period * 40), np.array(period * 6), V)]
    assert len(nats) == MAX_ORDER
    assert nats[0] > 0.9
    assert max(nats[3:]) < 0.05


def test_the_context_at_the_texts_beginning_is_not_the_training_texts_end():
    train = np.array([0, 1] * 50 + [0])
    first = [p[0] for p in probabilities(train, [1, 0])]
    assert max(first) < 0.6  # after 0, 1 would be nearly sure
    assert len(set(first[1:])) == 1


def test_training_stays_apart_from_the_text():
    """What is read in the text is not learned."""
    longer = probabilities(TRAIN, [2, 2, 2, 2, 2, 2])
    shorter = probabilities(TRAIN, [2, 2, 2])
    for a, b in zip(longer, shorter, strict=True):
        np.testing.assert_allclose(a[:3], b)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32])
def test_ids_may_be_of_any_type_that_a_vocabulary_makes(dtype):
    whole = list(ngram_nats(TRAIN.astype(np.int64), TRAIN[:20].astype(np.int64), V))
    np.testing.assert_equal(list(ngram_nats(TRAIN.astype(dtype), TRAIN[:20].astype(dtype), V)), whole)


def test_texts_shorter_than_the_context_are_fine():
    nats = list(ngram_nats(np.array([0, 1]), np.array([1]), V))
    assert [len(n) for n in nats] == [1] * MAX_ORDER
    assert all(math.isfinite(n[0]) for n in nats)


def test_an_order_out_of_its_range_is_refused():
    with pytest.raises(ConfigError, match="max_order is 0"):
        list(ngram_nats(TRAIN, TRAIN, V, 0))
