"""Training on items: padding is in no loss and no gradient, and a stopped and resumed run equals one without a stop."""

import random
from itertools import islice, pairwise

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from charrnn.evaluation.item_scoring import item_blocks, per_item
from charrnn.model.config import CELL_NAMES
from charrnn.text.item_corpus import ItemCorpus
from charrnn.text.items import Each, Items
from charrnn.text.sources import Text
from charrnn.training.config import TrainingConfig
from charrnn.training.feed import Fed
from charrnn.training.group import Group
from charrnn.training.learner import Learner
from charrnn.training.trainer import Trainer
from charrnn.training.validation import blocks_of

WORDS = ["".join(random.Random(n).choices("abcde", k=n % 9 + 1)) for n in range(90)]
STEPS = TrainingConfig(batch_size=6, seq_length=4, learning_rate=1e-2, steps=30, sample_every=7)
FLOAT32 = torch.float32


def make_corpus(labels=False):
    each = Each("word", "kind") if labels else Each("line")
    found = [(word, "odd" if len(word) % 2 else "even") for word in WORDS]
    return ItemCorpus.from_items(Items.of(Text("words", ""), each, found), val_fraction=0.2)


def new_trainer(make_model, config=STEPS, labels=False, precision=FLOAT32, **options):
    corpus = make_corpus(labels)
    sizes = {"vocabulary_size": len(corpus.vocabulary), "num_classes": 2 if labels else 0, "dropout": 0.3}
    return Trainer(make_model(1, num_layers=2, weight_dropout=0.2, **sizes | options), corpus, config, precision)


def weights_of(trainer):
    return [p.detach().clone() for p in trainer.model.parameters()]


@pytest.mark.parametrize("cell", CELL_NAMES)
@pytest.mark.parametrize("labels", [False, True])
def test_the_loss_and_gradient_of_a_padded_batch_are_those_of_its_items(make_model, cell, labels):
    corpus = make_corpus(labels)
    sizes = {"vocabulary_size": len(corpus.vocabulary), "num_classes": 2 if labels else 0}
    model = make_model(1, cell=cell, num_layers=2, **sizes)
    trainer = Trainer(model, corpus, TrainingConfig(batch_size=20, seq_length=64, steps=1), FLOAT32)
    before = [p.detach().clone() for p in model.parameters()]
    fed = next(f for f in trainer._feed.batches() if (f.targets < 0).any())
    step = trainer._learner.learn(fed, 0.0)
    padded = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    losses = []
    for row, (inputs, targets) in enumerate(zip(fed.inputs, fed.targets, strict=True)):
        length = int((targets >= 0).sum())
        classes = None if fed.classes is None else fed.classes[row : row + 1]
        logits, _ = model(inputs[None, :length], classes=classes)
        losses.append(F.cross_entropy(logits[0], targets[:length], reduction="sum"))
    loss = sum(losses) / fed.predicted
    (sum(losses) / trainer.streams.per_step).backward()
    clip = min(1.0, 1.0 / float(step.norm))
    assert float(step.loss) == pytest.approx(float(loss.detach()), abs=1e-6)
    assert step.characters == fed.predicted
    for grad, p, was in zip(padded, model.parameters(), before, strict=True):
        assert torch.equal(p, was)
        assert torch.allclose(grad, clip * p.grad, atol=1e-6)


def test_a_long_item_goes_on_with_its_state(make_model):
    corpus = make_corpus()
    model = make_model(1, vocabulary_size=len(corpus.vocabulary))
    losses = {}
    for length in (64, 3):
        config = TrainingConfig(batch_size=1000, seq_length=length, steps=1)
        trainer, total = Trainer(model, corpus, config, FLOAT32), 0.0
        for fed in islice(trainer._feed.batches(), trainer.streams.steps_in(0)):
            total += float(trainer._learner.learn(fed, 0.0).loss) * fed.predicted
        losses[length] = total / trainer.streams.per_epoch
    assert losses[3] == pytest.approx(losses[64], abs=1e-6)


def test_two_processes_together_have_the_loss_of_one(make_model):
    corpus = make_corpus()
    model = make_model(1, vocabulary_size=len(corpus.vocabulary))
    config = TrainingConfig(batch_size=8, seq_length=4, steps=1)
    whole = Trainer(model, corpus, config, FLOAT32)
    expected = [float(whole._learner.learn(fed, 0.0).loss) for fed in islice(whole._feed.batches(), 12)]
    shares = []
    for rank in range(2):
        learner = Learner(model, config, FLOAT32, Group(rank, 1))
        batches = islice(corpus.streams(8, 4).share(rank, 2).batches(), 12)
        tensors = [Fed(*map(torch.from_numpy, b[:2]), False, b.begins, b.predicted / 2) for b in batches]
        shares.append([float(learner.learn(fed, 0.0).loss) for fed in tensors])
    assert np.mean(shares, 0) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("cell", CELL_NAMES)
@pytest.mark.parametrize(("labels", "precision"), [(False, FLOAT32), (True, FLOAT32), (False, torch.bfloat16)])
@pytest.mark.parametrize("milestones", [1, 3])
def test_k_steps_a_stop_and_the_rest_give_the_weights_of_all_steps(make_model, cell, labels, precision, milestones):
    def make():
        return new_trainer(make_model, labels=labels, precision=precision, cell=cell)

    straight = make()
    end = [p for p in straight.run() if p.milestone][-1]
    stopped = make()
    states = (stopped.state() for p in stopped.run() if p.milestone)
    state = {name: x.clone() for name, x in next(islice(states, milestones - 1, None)).items()}
    resumed = make()
    resumed.restore(state)
    assert resumed.step == 7 * milestones
    resumed_end = [p for p in resumed.run() if p.milestone][-1]
    assert all(torch.equal(a, b) for a, b in zip(weights_of(straight), weights_of(resumed), strict=True))
    assert (resumed_end.epoch, resumed_end.val_nats) == (end.epoch, end.val_nats)


def test_a_state_amid_long_items_differs_from_one_without_them(make_model):
    """Else the test above would hold though no state were carried."""
    trainer = new_trainer(make_model)
    steps = {step: batch.begins for step, batch in enumerate(islice(trainer.streams.batches(), 30))}
    assert any(not steps[7 * n] for n in (1, 3))


@pytest.mark.parametrize("labels", [False, True])
def test_the_validation_loss_is_that_of_items_one_by_one(make_model, labels):
    corpus = make_corpus(labels)
    sizes = {"vocabulary_size": len(corpus.vocabulary), "num_classes": 2 if labels else 0}
    model = make_model(1, **sizes)
    ids, end = corpus.parts["val"], corpus.end
    ends = np.flatnonzero(ids == end)
    per = []
    for number, (start, stop) in enumerate(pairwise(ends)):
        item = torch.from_numpy(ids[start : stop + 1].astype(np.int64))[None]
        classes = torch.tensor([corpus.classes["val"][number]]) if labels else None
        logits, _ = model(item[:, :-1], classes=classes)
        per.append(float(F.cross_entropy(logits[0], item[0, 1:], reduction="sum").detach()))
    for first in (None, 11):
        blocks = list(blocks_of(corpus, "val")(model, ids, first=first))
        nats = np.concatenate(blocks)
        assert per_item(nats, ends) == pytest.approx(per, abs=1e-4)
        assert len(blocks) == 1 or first
    trainer = Trainer(model, corpus, STEPS, FLOAT32)
    found, _ = trainer.validator.validate(model, 0, None, lambda characters: None)
    assert found.nats == pytest.approx(sum(per) / (len(ids) - 1), abs=1e-6)
    assert found.characters == corpus.split["val"]


def test_items_longer_than_a_chunk_are_scored_in_chunks(make_model, monkeypatch):
    corpus = make_corpus()
    model, ids = make_model(1, vocabulary_size=len(corpus.vocabulary)), corpus.parts["train"]
    whole = torch.cat(list(item_blocks(model, ids, end=corpus.end)))
    monkeypatch.setattr("charrnn.evaluation.item_scoring.CHUNK", 3)
    assert torch.allclose(torch.cat(list(item_blocks(model, ids, end=corpus.end))), whole, atol=1e-6)


def test_it_learns_where_items_end_and_what_a_class_tells(make_model):
    config = TrainingConfig(batch_size=8, seq_length=16, learning_rate=2e-2, steps=200, sample_every=1000)
    found = [(letter * 5, letter) for letter in "abcd" for _ in range(20)]
    losses = {}
    for labels in (False, True):
        items = Items.of(Text("words", ""), Each("word", "kind" if labels else None), found)
        corpus = ItemCorpus.from_items(items, val_fraction=0, test_fraction=0)
        model = make_model(1, vocabulary_size=5, num_classes=4 if labels else 0, hidden_size=24)
        losses[labels] = [p for p in Trainer(model, corpus, config, FLOAT32).run() if p.milestone][-1].train_nats
    assert losses[False] == pytest.approx(np.log(4) / 6, abs=0.03)  # the first letter is anybody's guess
    assert losses[True] < 0.05


def test_every_symbol_of_an_epoch_counts_the_same_however_long_its_item_is(make_model):
    """Else the ends of long items, which stand in windows of few symbols, would be learned before all else."""
    corpus = make_corpus()
    model = make_model(1, vocabulary_size=len(corpus.vocabulary))
    gradients = {}
    for length in (64, 2):
        config = TrainingConfig(batch_size=1000, seq_length=length, steps=1, clip_norm=0)
        trainer = Trainer(model, corpus, config, FLOAT32)
        total = torch.zeros_like(model.readout.bias)
        for fed in islice(trainer._feed.batches(), trainer.streams.steps_in(0)):
            trainer._learner.learn(fed, 0.0)
            total += model.readout.bias.grad * trainer.streams.per_step
        gradients[length] = total
    assert torch.allclose(gradients[2], gradients[64], rtol=1e-4, atol=1e-4)
