"""Intervals: each resample is measured exactly, blocks keep episodes whole, and what is covered is as promised."""

import numpy as np
import pytest

from charrnn.neurons.measures import Labels, strength
from charrnn.neurons.resampling import Blocks, blocks, correlation_length, episodes, resampled_strengths


def labels_of(values, binary=True):
    return Labels.of(np.asarray(values, float), binary)


def on_and_off(characters, mean, random):
    lengths = random.geometric(1 / mean, characters)
    return np.repeat(np.arange(characters) % 2, lengths)[:characters].astype(float)


@pytest.mark.parametrize("binary", [True, False])
def test_each_resample_has_the_strength_of_its_characters_laid_side_by_side(binary):
    random = np.random.default_rng(1)
    labels = labels_of(random.integers(0, 2 if binary else 7, 120), binary)
    values = (labels.values + random.normal(size=120)).round(1)
    numbers = np.repeat(np.arange(6), 20)
    drawn = random.multinomial(6, np.full(6, 1 / 6), 15).astype(float)
    found = resampled_strengths(values, labels, Blocks(numbers, drawn, 6))
    for times, own in zip(drawn, found, strict=True):
        places = np.concatenate([np.flatnonzero(numbers == b) for b in range(6) for _ in range(int(times[b]))])
        assert own == pytest.approx(strength(values[places], labels_of(labels.values[places], binary)), abs=1e-5)


def test_blocks_are_twice_as_long_as_the_labels_correlate_and_cut_no_episode():
    random = np.random.default_rng(2)
    labels = labels_of(on_and_off(40_000, 200, random))
    stretches = np.arange(40_000) // 10_000
    over = blocks(labels, stretches, random)
    cuts = np.flatnonzero(np.diff(over.numbers)) + 1
    assert over.count == len(cuts) + 1 == over.numbers[-1] + 1
    at_seams = np.isin(cuts, [10_000, 20_000, 30_000])
    assert at_seams.sum() == 3
    assert (labels.values[cuts[~at_seams]] == 0).all()
    assert np.diff([0, *cuts, 40_000]).min() >= correlation_length(labels)
    assert 20 < over.count < 200


def test_the_correlation_length_is_that_of_the_labels():
    random = np.random.default_rng(3)
    for mean in (20, 200):
        found = correlation_length(labels_of(on_and_off(50_000, mean, random)))  # e^(−2k/mean)
        assert mean / 3 < found < mean * 0.75


def test_episodes_are_counted_as_they_begin():
    assert episodes(labels_of([1, 1, 0, 0, 1, 0, 1])) == 3
    assert episodes(labels_of([1, 2, 3, 1, 2, 1], binary=False)) == 3


@pytest.mark.parametrize("binary", [True, False])
def test_a_unit_that_never_changes_is_chance_or_unknown(binary):
    labels = labels_of(np.arange(500) % 2, binary)
    over = blocks(labels, np.zeros(500, int), np.random.default_rng(1))
    low, high = over.interval(0.0, resampled_strengths(np.full(500, 0.25), labels, over))
    assert low in (0, -1)
    assert high in (0, 1)


@pytest.mark.parametrize("binary", [True, False])
def test_intervals_of_slow_labels_cover_the_strength_in_other_text(binary):
    """Episodes differ: in some the unit is on, in some it is not; blocks of fixed length would see too many of them."""
    random, covered = np.random.default_rng(6), 0
    for _ in range(80):
        truth = on_and_off(12_000, 60, random)
        numbers = np.cumsum(np.diff(truth, prepend=0) != 0)
        values = (truth * 2 - 1) * 0.7 + random.normal(size=numbers[-1] + 1)[numbers]
        labels = labels_of(truth, binary)
        over = blocks(labels, np.arange(12_000) // 3000, random)
        low, high = over.interval(own := strength(values, labels), resampled_strengths(values, labels, over))
        assert low <= own <= high
        covered += low < (0.678 if binary else 0.587) < high  # 2Φ(1.4/√2) − 1; ρ measured over 4 million characters
    assert covered >= 0.92 * 80 - 3


@pytest.mark.parametrize(("on", "off"), [(100, 1500), (60, 1000)])
def test_intervals_that_rest_on_few_episodes_cover_what_these_do_not_reach(on, off):
    """Resamples of four episodes stay between the best and the worst of them; the next one may be beyond."""
    random, covered, asked = np.random.default_rng(7), 0, 0
    for _ in range(120):
        truth = np.concatenate(
            [np.zeros(0)] + [np.repeat([0.0, 1.0], random.geometric([1 / off, 1 / on])) for _ in range(9)]
        )
        truth = truth[:6000]
        if truth.sum() < 2:
            continue
        numbers = np.cumsum(np.diff(truth, prepend=0) > 0)
        values = truth * random.normal(1.5, 1.0, numbers[-1] + 1)[numbers] + random.normal(size=len(truth))
        labels = labels_of(truth)
        over = blocks(labels, np.zeros(len(truth), int), random)
        low, high = over.interval(strength(values, labels), resampled_strengths(values, labels, over))
        covered, asked = covered + (low < 0.613 < high), asked + 1  # 2Φ(1.5/√3) − 1
    assert covered >= 0.92 * asked - 3
