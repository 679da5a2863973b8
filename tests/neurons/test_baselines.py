"""What the text alone tells: each predictor knows what it can see and nothing else."""

import numpy as np
import pytest

from charrnn.neurons.baselines import BASELINES, HALF_LIVES, Baselines, LeakyCounters, Surface
from charrnn.neurons.measures import Labels, score, strength


def letters(characters, seed=9):
    return "".join(np.random.default_rng(seed).choice(list("abcdef"), characters))


def halves(labels):
    places = np.arange(len(labels))
    first = places < len(labels) // 2
    return (Labels.of(np.where(where, labels, np.nan), binary=True) for where in (first, ~first))


def ids_of(text):
    return np.frombuffer(text.encode(), np.uint8)


def test_the_last_characters_tell_what_they_tell_and_no_more():
    text = letters(6000)
    near = np.array([text[max(0, t - 4) : t + 1].endswith(("ab", "abc", "abd")) for t in range(6000)], float)
    far = np.array([text[max(0, t - 6)] == "a" for t in range(6000)], float)
    anywhere = np.array(["a" in text[max(0, t - 4) : t + 1] for t in range(6000)], float)
    surface = Surface(ids_of(text))
    for labels, low, high in ((near, 0.99, 1.001), (anywhere, 0.99, 1.001), (far, 0.4, 0.6)):
        assert low <= score(surface.strength(*halves(labels)), binary=True) <= high


def test_each_baseline_sees_as_far_back_as_it_says():
    text = letters(8000)
    back = {4: (0.99, 0.99, 0.5), 15: (0.4, 0.99, 0.5), 30: (0.4, 0.4, 0.4)}  # the least score of each baseline
    baselines = Baselines(ids_of(text), np.arange(8000) // 1000)
    for distance, least in back.items():
        fitted, measured = halves(np.array([t >= distance and text[t - distance] == "a" for t in range(8000)], float))
        (found,) = baselines.predictions([fitted], [measured])
        scores = [score(strength(found[name], measured), binary=True) for name in BASELINES]
        assert all(own >= wanted for own, wanted in zip(scores, least, strict=True)), (distance, scores)
        assert distance != 30 or max(scores) < 0.65


def test_a_counter_is_what_a_loop_counts():
    ids = np.random.default_rng(2).integers(0, 4, 200)
    counters, places = LeakyCounters(ids), np.array([3, 64, 65, 150, 199])
    found = counters.at(places).reshape(5, len(HALF_LIVES), -1)
    common = np.argsort(-np.bincount(ids), kind="stable")
    for life, half_life in enumerate(HALF_LIVES):
        count = np.zeros(4)
        for t, character in enumerate(ids):
            count *= 2 ** (-1 / half_life)
            count[character] += 1
            if t in places:
                row = found[places.tolist().index(t), life]
                np.testing.assert_allclose(row[:4], count[common], rtol=1e-4)


def test_counters_tell_whether_a_quotation_is_open(planted):
    text = planted.text(seed=4, inside=40, outside=40)
    labels = np.zeros(len(text))
    for t, character in enumerate(text):
        labels[t] = 1 if character == "“" else 0 if character == "”" else labels[t - 1] if t else 0
    fitted, measured = halves(labels)
    (found,) = Baselines(planted.letters.encode(text), np.arange(len(text)) // 1000).predictions([fitted], [measured])
    scores = {name: strength(found[name], measured) for name in BASELINES}
    assert scores["leaky counters"] > 0.9
    assert scores["leaky counters"] > scores["last 20 characters"] > scores["last 5 characters"]


@pytest.mark.parametrize("common", [2, 150])
def test_characters_that_are_rare_look_alike(common):
    text = "abcd" * 500
    labels = (np.arange(2000) % 4 == 3).astype(float)
    found = score(Surface(ids_of(text), common=common).strength(*halves(labels)), binary=True)
    assert found > 0.99
