"""Items as ids: their order does not matter, equal ones are on one side, an epoch predicts every symbol once."""

import random
from collections import Counter
from itertools import chain, islice

import numpy as np
import pytest

from charrnn.errors import ConfigError, SourceError
from charrnn.text.item_corpus import ItemCorpus
from charrnn.text.item_streams import IGNORED
from charrnn.text.items import Each, Items
from charrnn.text.sources import Text
from charrnn.text.vocabulary import END

ABOUT = Text("names", "")
WORDS = ["".join(random.Random(n).choices("abcde", k=n % 7 + 1)) for n in range(300)]


def corpus(words=WORDS, labels=None, seed=0, unique=False, **fractions):
    each = Each("name", "kind", unique) if labels else Each("line", None, unique)
    items = Items.of(ABOUT, each, list(zip(words, labels or [None] * len(words), strict=True)))
    return ItemCorpus.from_items(items, seed, **fractions)


def test_the_parts_together_are_the_items():
    made = corpus()
    assert Counter(item for part in made.parts for item in made.items(part)) == Counter(WORDS)
    assert len(made) == sum(made.split.values()) == sum(map(len, WORDS)) + len(WORDS)
    assert made.facts.count == 300
    assert {name: len(made.items(name)) for name in made.parts} == made.facts.split


def test_the_order_of_the_items_does_not_matter():
    shuffled = random.Random(1).sample(WORDS, len(WORDS))
    one, other = corpus(val_fraction=0.2), corpus(shuffled, val_fraction=0.2)
    assert one.sha256 == other.sha256
    assert all(np.array_equal(one.parts[name], other.parts[name]) for name in one.parts)


def test_another_seed_splits_otherwise_and_is_the_same_text():
    one, other = corpus(), corpus(seed=1)
    assert set(one.items("test")) != set(other.items("test"))
    assert one.sha256 == other.sha256


def test_equal_items_are_never_in_two_parts():
    for seed in range(20):
        made = corpus(WORDS[:40] * 3, seed=seed, val_fraction=0.3, test_fraction=0.3)
        parts = [set(made.items(name)) for name in made.parts]
        assert len(set.union(*parts)) == sum(map(len, parts))


def test_unique_folds_equal_items_and_both_ways_tell_how_many_there_are():
    distinct = len(set(WORDS))
    kept, folded = corpus(), corpus(unique=True)
    assert (kept.facts.count, folded.facts.count) == (300, distinct)
    assert kept.facts.duplicates == folded.facts.duplicates == 300 - distinct
    assert f"{300 - distinct} of the 300 items" in kept.notes[0]
    assert "--unique" in kept.notes[0]
    assert f"{300 - distinct} of the 300 items" in folded.notes[0]


def test_the_fractions_are_of_the_items():
    made = corpus([f"{n:04}" for n in range(1000)], val_fraction=0.1, test_fraction=0.2)
    assert made.facts.split == {"train": 700, "val": 100, "test": 200}
    assert corpus([f"{n:04}" for n in range(1000)]).facts.split == {"train": 900, "val": 50, "test": 50}


def test_a_part_without_an_item_is_left_out_and_told():
    made = corpus(["a", "b", "c"])
    assert list(made.parts) == ["train"]
    assert [note for note in made.notes if "too few items" in note]
    with pytest.raises(ConfigError, match="none of 3 items to train on"):
        corpus(["a", "b", "c"], val_fraction=0.5, test_fraction=0.7)


def test_items_that_are_all_equal_are_all_trained_on():
    assert corpus(["a"] * 50, val_fraction=0.3).facts.split == {"train": 50}


def test_rare_characters_are_folded_and_the_end_symbol_never_is():
    made = corpus(["ab", "ab", "abz"], min_count=2)
    assert made.folded == 1
    assert made.vocabulary.characters == f"ab{END}\ufffd"
    with pytest.raises(ConfigError, match="more than there are items"):
        corpus(["a" * 9, "a" * 9], min_count=5)


def test_labels_stand_by_their_items_whatever_the_order():
    labels = ["odd" if len(word) % 2 else "even" for word in WORDS]
    made = corpus(WORDS, labels, val_fraction=0.2)
    assert made.facts.labels == ("even", "odd")
    for name in made.parts:
        assert [len(item) % 2 for item in made.items(name)] == made.classes[name].tolist()
    with pytest.raises(SourceError, match="1 distinct label"):
        corpus(WORDS, ["x"] * 300)


def symbols(streams, steps):
    """The targets of steps, less the padding."""
    return [b.targets[b.targets != IGNORED].tolist() for b in islice(streams.batches(), steps)]


@pytest.mark.parametrize("seq_length", [64, 3])
@pytest.mark.parametrize("epoch", [0, 1])
def test_an_epoch_predicts_every_symbol_once(seq_length, epoch):
    streams = corpus().streams(7, seq_length)
    begun = sum(streams.steps_in(e) for e in range(epoch))
    steps = symbols(streams, begun + streams.steps_in(epoch))[begun:]
    assert Counter(chain.from_iterable(steps)) == Counter(streams.ids[1:].tolist())
    assert sum(map(len, steps)) == streams.per_epoch


@pytest.mark.parametrize("seq_length", [64, 3])
def test_each_row_is_an_item_from_its_beginning_to_its_end(seq_length):
    made = corpus()
    streams, rows, read = made.streams(7, seq_length), [], Counter()
    for batch in islice(streams.batches(), streams.steps_in(0)):
        rows = [""] * len(batch.inputs) if batch.begins else rows[: len(batch.inputs)]
        for n, (inputs, targets) in enumerate(zip(batch.inputs, batch.targets, strict=True)):
            assert made.vocabulary.decode(inputs[:1]) == (rows[n] or END)[-1]
            rows[n] += made.vocabulary.decode(targets[targets != IGNORED])
            read[rows[n]] += rows[n].endswith(END)
    assert +read == Counter(item + END for item in made.items("train"))


def test_every_epoch_has_another_order_and_a_seed_always_the_same():
    streams = corpus().streams(7, 64)
    steps = streams.steps_in(0)
    first, second = symbols(streams, 2 * steps)[:steps], symbols(streams, 2 * steps)[steps:]
    assert first != second
    assert first == symbols(corpus().streams(7, 64), steps)


def test_batches_from_a_step_on_are_the_later_ones():
    streams = corpus().streams(7, 3)
    later = [(b.inputs.tolist(), b.begins) for b in islice(streams.batches(), 150)]
    for start in (1, 5, streams.steps_in(0), streams.steps_in(0) + 7):
        assert [(b.inputs.tolist(), b.begins) for b in islice(streams.batches(start), 150 - start)] == later[start:]


def test_a_step_that_no_training_reaches_is_not_looked_for():
    made = corpus()
    alike, unlike = made.streams(7, 64), made.streams(7, 3)
    steps = alike.steps_in(0)
    assert alike.place_of(10**9 * steps + 2) == (10**9, 2)
    for streams in (alike, unlike):
        with pytest.raises(ConfigError, match="epochs into this text, which no training reaches"):
            streams.place_of(2**53)


def test_the_rows_of_a_state_are_those_of_the_window_before():
    streams = corpus().streams(7, 3)
    for step, batch in enumerate(islice(streams.batches(), 80), start=1):
        assert streams.rows_before(step) == (range(len(batch.inputs)), len(batch.inputs))


def test_processes_share_each_batch():
    whole, shares = corpus().streams(8, 3), [corpus().streams(8, 3).share(rank, 2) for rank in range(2)]
    for one, *parts in zip(*(islice(s.batches(), 120) for s in (whole, *shares)), strict=True):
        both = Counter(x for part in parts for x in part.targets[part.targets != IGNORED].tolist())
        assert both == Counter(one.targets[one.targets != IGNORED].tolist())
        assert {part.predicted for part in parts} == {one.predicted} == {sum(both.values())}
        assert len({part.targets.shape for part in parts}) == 1
    with pytest.raises(ConfigError, match="start fewer"):
        corpus(["a", "b"]).streams(8, 3).share(0, 3)


def test_little_of_a_batch_is_padding():
    streams = corpus([w for w in WORDS for _ in range(10)]).streams(16, 64)
    filled = [(b.targets != IGNORED).mean() for b in islice(streams.batches(), streams.steps_in(0))]
    assert np.mean(filled) > 0.9
