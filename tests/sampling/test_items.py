"""Items are drawn to their ends, by their own seeds; new ones are in no text, and distinct ones are all different."""

import numpy as np
import pytest

from charrnn.api.items import Choice, SampledItems
from charrnn.errors import ConfigError, RunError, VocabularyError
from charrnn.model.stepped_network import SteppedCharRNN
from charrnn.sampling.distribution import SamplingConfig
from charrnn.sampling.items import SIDE_BY_SIDE, ItemSampler
from charrnn.sampling.sampler import Sampler
from charrnn.text.item_index import ItemIndex, Nearest
from charrnn.text.vocabulary import END, Vocabulary

VOCABULARY = Vocabulary("abcde" + END)


@pytest.fixture
def sampler(make_model):
    def make(length=8, prime="", **options):
        model = make_model(3, vocabulary_size=6, num_layers=2)
        network = SteppedCharRNN(model.config, model.weights())
        return ItemSampler(Sampler(network, VOCABULARY, SamplingConfig(**options)), length, prime)

    return make


def test_an_item_ends_with_its_end_or_with_the_length(sampler):
    items = list(sampler(length=4).draw_some(range(200)))
    assert {item.ended for item in items} == {True, False}
    for item in items:
        assert END not in item.text
        assert len(item.text) <= 4
        assert item.ended or len(item.text) == 4
        assert len(item.nats) == len(item.text) + item.ended


def test_the_nats_are_those_of_the_model(sampler, make_model):
    import torch

    model = make_model(3, vocabulary_size=6, num_layers=2)
    for item in sampler(length=5, prime="ab").draw_some(range(9)):
        ids = VOCABULARY.encode(END + "ab" + item.text + END * item.ended).astype(np.int64)
        logits, _ = model(torch.from_numpy(ids)[None, :-1])
        nats = -torch.log_softmax(logits[0], -1)[range(len(ids) - 1), ids[1:]][2:]
        assert item.nats == pytest.approx(nats.tolist(), abs=1e-4)


def test_a_seed_gives_the_same_item_whatever_is_drawn_beside_it(sampler):
    together = list(sampler().draw_some(range(SIDE_BY_SIDE + 9)))
    assert [item.seed for item in together] == list(range(SIDE_BY_SIDE + 9))
    assert len({item.text for item in together}) > 9
    for item in together[::7]:
        (alone,) = sampler().draw_some([item.seed])
        assert alone.text == item.text
        assert alone.nats == pytest.approx(item.nats, abs=1e-4)


def test_a_longer_length_only_goes_on(sampler):
    for short, long in zip(sampler(3).draw_some(range(50)), sampler(9).draw_some(range(50)), strict=True):
        assert long.text.startswith(short.text)
        assert long.text == short.text or not short.ended


def test_an_item_of_no_length_is_empty(sampler):
    assert {item.text for item in sampler(length=0).draw_some(range(9))} == {""}


def test_a_prime_that_is_not_known_is_refused(sampler):
    with pytest.raises(VocabularyError, match="never seen 1 character"):
        sampler(prime="z")


def text_of(sampler, count=50):
    return {item.text for item in sampler.draw_some(range(count))}


def test_new_items_are_in_no_text_and_distinct_ones_are_different(sampler):
    text = text_of(sampler())
    drawn = SampledItems(sampler(), Choice(80, new=True, distinct=True), 0, index=ItemIndex.of(text))
    items = [item.item for item in drawn]
    assert len(items) == len(set(items)) == 80
    assert not text & set(items)
    assert drawn.summary.drawn > 80
    assert drawn.summary.new == drawn.summary.distinct == drawn.summary.kept == 80


def test_items_are_marked_and_counted(sampler):
    text = text_of(sampler(length=2))
    drawn = SampledItems(sampler(length=2), Choice(100), 7, "", ItemIndex.of(text), Nearest(text))
    items = list(drawn)
    assert [item.in_text for item in items] == [item.item in text for item in items]
    assert all((item.distance == 0) == item.in_text for item in items)
    summary = drawn.summary.to_dict()
    assert summary["new"] == sum(not item.in_text for item in items)
    assert summary["distinct"] == len({item.item for item in items}) < 100
    assert summary["ended_share"] == sum(item.ended for item in items) / 100
    assert summary["nats_per_character"] == pytest.approx(
        sum(item.nats for item in items) / sum(len(item.text) + item.ended for item in items)
    )


def test_the_search_for_new_items_ends(sampler):
    notes = []
    drawn = SampledItems(sampler(temperature=0), Choice(3, distinct=True), 0, index=ItemIndex.of([]), note=notes.append)
    assert len(list(drawn)) == 1
    assert notes == [
        "only 1 of 3 distinct items were found among 2,000 drawn ones: a higher temperature, or another prime, may "
        "give more"
    ]


def test_new_items_need_an_index(sampler):
    with pytest.raises(ConfigError, match="the text is not at hand; name it with --text SOURCE"):
        SampledItems(sampler(), Choice(1, new=True), 0)


def test_an_index_has_all_its_items_and_no_others(tmp_path):
    texts = [f"item {n}" for n in range(3000)]
    ItemIndex.of([*texts, *texts[:99], ""]).save(tmp_path / "items.npy")
    index = ItemIndex.load(tmp_path / "items.npy")
    assert len(index) == 3001
    assert all(text in index for text in [*texts, ""])
    assert not any(f"other {n}" in index for n in range(3000))
    assert ItemIndex.load(tmp_path / "none.npy") is None
    assert "x" not in ItemIndex.of([])


@pytest.mark.parametrize(
    "content", [b"", b"x" * 99, np.arange(3), np.array([[1]], np.uint64), np.array([2, 1], np.uint64), np.array([{}])]
)
def test_what_is_no_index_is_refused(tmp_path, content):
    path = tmp_path / "items.npy"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.save(path, content, allow_pickle=True)
    with pytest.raises(RunError, match="index of a run's items"):
        ItemIndex.load(path)


def test_the_nearest_item_has_the_smallest_distance():
    nearest = Nearest(["kitten", "mitten", "sitting"])
    assert nearest.to("kitten") == ("kitten", 0)
    assert nearest.to("sittin") == ("sitting", 1)
    assert nearest.to("itten") == ("kitten", 1)  # of two, the first by name
