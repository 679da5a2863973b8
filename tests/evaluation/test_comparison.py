import numpy as np
import pytest

from charrnn.evaluation.comparison import BLOCK, PASSAGE, difference, ranked, telling_passages


def noise(length, seed=0):
    return np.random.default_rng(seed).gamma(2, size=length).astype(np.float32)


def test_the_mean_saved_leaves_the_first_character_out():
    found = difference(np.array([9, 1, 2], np.float32), np.array([0, 2, 5], np.float32))
    assert (found.mean, found.low, found.high, found.blocks) == (2, None, None, 0)


def test_the_interval_is_students_t_over_the_means_of_blocks():
    better, worse = noise(1 + 6 * BLOCK), noise(1 + 6 * BLOCK, 1) + 0.5
    found = difference(better, worse)
    means = (worse - better)[1:].reshape(6, BLOCK).mean(1)
    half = 2.5706 * means.std(ddof=1) / 6**0.5  # t of 5 degrees of freedom, from a table
    assert found.blocks == 6
    assert (found.low, found.high) == (
        pytest.approx(means.mean() - half, rel=2e-3),
        pytest.approx(means.mean() + half, rel=2e-3),
    )


def test_the_interval_holds_the_truth_as_often_as_it_says():
    held = 0
    for seed in range(300):
        a, b = (noise(1 + 8 * BLOCK, (seed, which)) for which in (0, 1))
        found = difference(a, b + 0.1)
        held += found.low <= 0.1 <= found.high
    assert 270 <= held <= 297  # 285 on average


def test_a_passage_that_speaks_for_a_model_is_found_and_the_other_way():
    better, worse = np.ones(10 * PASSAGE + 7), np.ones(10 * PASSAGE + 7)
    worse[3 * PASSAGE : 4 * PASSAGE] += 2
    better[7 * PASSAGE : 8 * PASSAGE] += 1
    fors, against = telling_passages(better, worse, 3)
    assert [(p.start, p.end, p.saved) for p in fors] == [(3 * PASSAGE, 4 * PASSAGE, 2)]
    assert [(p.start, p.end, p.saved) for p in against] == [(7 * PASSAGE, 8 * PASSAGE, -1)]


def test_passages_stand_the_most_telling_first_and_end_with_the_text():
    saved = np.zeros(2 * PASSAGE + 5)
    saved[:PASSAGE], saved[-5:] = 1, 3
    fors, _ = telling_passages(np.zeros(len(saved)), saved, 2)
    assert [(p.start, p.end) for p in fors] == [(2 * PASSAGE, 2 * PASSAGE + 5), (0, PASSAGE)]


def test_the_model_of_the_fewest_nats_comes_first():
    assert ranked([2.0, 1.0, 3.0]) == [1, 0, 2]
