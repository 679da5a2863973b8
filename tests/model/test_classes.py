"""The plain model of a class reads and expects as the model does where it is told the class."""

import numpy as np
import pytest
import torch

from charrnn.errors import ConfigError
from charrnn.model.checkpoint import Checkpoint, Figures, Header, Provenance, load, save
from charrnn.model.classes import labels_of, of_class
from charrnn.model.network import CharRNN
from charrnn.text.item_corpus import ItemFacts
from charrnn.text.vocabulary import END, Vocabulary

LABELS = ("bad", "good", "odd")


@pytest.fixture
def make_checkpoint(make_model):
    def make(labels=LABELS, **options):
        model = make_model(num_classes=len(labels), **options)
        facts = ItemFacts("text", 0, {"train": 90}, label="kind", labels=labels)
        corpus = Provenance("letters", "0" * 64, 100, {"train": 90, "val": 10}, items=facts)
        return Checkpoint(Header(model.config, corpus, Figures()), Vocabulary("abcde" + END), model.weights())

    return make


@pytest.mark.parametrize("sizes", [{}, {"num_layers": 2}, {"embedding_size": 0}])
def test_the_plain_model_of_a_class_is_the_model_that_is_told_the_class(make_checkpoint, cell, sizes):
    checkpoint = make_checkpoint(**cell, **sizes)
    model = CharRNN.from_weights(checkpoint.config, checkpoint.weights)
    ids = torch.from_numpy(np.random.default_rng(1).integers(0, 6, (3, 7)))
    expected, _ = model(ids, classes=torch.tensor([2, 0, 1]))
    for row, label in enumerate(["odd", "bad", "good"]):
        plain = of_class(checkpoint, label)
        assert plain.config.num_classes == 0
        logits, _ = CharRNN.from_weights(plain.config, plain.weights)(ids[row : row + 1])
        assert torch.allclose(logits[0], expected[row], atol=1e-5)
    assert not torch.allclose(expected[0], model(ids[:1], classes=torch.tensor([1]))[0][0], atol=1e-2)


def test_a_class_is_named_where_there_are_some(make_checkpoint):
    with pytest.raises(ConfigError, match="has a class for each kind: bad, good, odd; name one with --label"):
        of_class(make_checkpoint(), None)
    with pytest.raises(ConfigError, match=r"trained on no kind godo; did you mean good\? Else choose one of bad"):
        of_class(make_checkpoint(), "godo")
    plain = make_checkpoint(labels=())
    assert of_class(plain, None) is plain
    assert labels_of(plain) == ()
    with pytest.raises(ConfigError, match="trained without labels"):
        of_class(plain, "good")


@pytest.mark.parametrize("number", ["float32", "float16", "int8"])
def test_a_model_of_items_is_kept_in_format_3(make_checkpoint, number, tmp_path):
    save(make_checkpoint(), tmp_path / "model", number)
    loaded = load(tmp_path / "model")
    assert loaded.format_version == 3
    assert labels_of(loaded) == ("bad", "good", "odd")
    assert loaded.vocabulary.end == loaded.vocabulary.encode(END)[0]
    assert set(loaded.weights) == set(make_checkpoint().weights)
