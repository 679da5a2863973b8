import math

import numpy as np
import pytest
import torch

from charrnn.evaluation.scoring import Folding, nats_per_character
from charrnn.text.corpus import Corpus
from charrnn.text.sources import Text
from charrnn.training.config import TrainingConfig
from charrnn.training.feed import Fed
from charrnn.training.group import Group
from charrnn.training.learner import Learner
from charrnn.training.validation import Measured


def trained(trainer):
    """Run to the end; return the last report."""
    return list(trainer.run())[-1]


def weights(trainer):
    return trainer.model.weights()


def same(one, other):
    return all(np.array_equal(one[name], other[name]) for name in one)


def test_a_text_that_repeats_itself_is_learnt(make_trainer):
    trainer = make_trainer(steps=120, seq_length=14)
    before = nats_per_character(trainer.model, trainer.corpus.parts["val"])
    last = trained(trainer)
    assert before > 1.5
    assert last.train_nats < 0.3
    assert last.val_nats < 0.5


def test_every_cell_learns(make_trainer, make_model, cell, corpus):
    model = make_model(**cell, vocabulary_size=len(corpus.vocabulary), hidden_size=16, num_layers=2)
    rate = 2e-3 if model.config.nonlinearity == "relu" else 1e-2
    before = nats_per_character(model, corpus.parts["val"])
    last = trained(make_trainer(model=model, steps=80, seq_length=14, learning_rate=rate))
    assert last.val_nats < before / 2


def test_the_same_seed_gives_the_same_weights_bit_for_bit(make_trainer):
    one, other = (make_trainer(steps=9, dropout=0.5, seed=3) for _ in range(2))
    assert trained(one).val_nats == trained(other).val_nats
    assert same(weights(one), weights(other))


def test_another_seed_drops_other_units(make_trainer):
    one, other = (make_trainer(steps=9, dropout=0.5, seed=seed) for seed in (3, 4))
    trained(one), trained(other)
    assert not same(weights(one), weights(other))


def test_training_neither_reads_nor_changes_the_global_random_state(make_trainer):
    before = torch.get_rng_state()
    trained(make_trainer(steps=3, dropout=0.5))
    assert torch.equal(torch.get_rng_state(), before)


def test_the_loss_is_measured_without_dropout_on_validation(make_trainer):
    trainer = make_trainer(steps=3, dropout=0.5)
    assert trained(trainer).val_nats == nats_per_character(trainer.model, trainer.corpus.parts["val"])


def test_the_whole_validation_part_is_measured(make_trainer, monkeypatch):
    seen = []
    found = Measured(1.0, 35, True)
    monkeypatch.setattr("charrnn.training.validation.measured", lambda model, ids, *_: seen.append(ids) or found)
    trainer = make_trainer(steps=3, sample_every=2)
    assert trained(trainer).val_nats == 1.0
    assert all(ids is trainer.corpus.parts["val"] for ids in seen)
    assert len(seen) == 2


def test_without_a_validation_part_there_is_no_validation_loss(make_trainer):
    corpus = Corpus.from_text(Text("hello", "hello"))
    last = trained(make_trainer(corpus=corpus, steps=2))
    assert last.val_nats is None
    assert math.isfinite(last.train_nats)


def test_a_run_without_learning_reports_the_loss_of_the_text_read_in_one_go(make_trainer, quiet):
    text = Corpus.from_text(Text("any", "abcdefghij" * 9 + "jihgfedcba"), 0, 0)
    trainer = make_trainer(corpus=text, batch_size=1, epochs=1, sample_every=10**6, learning_rate=1e-9)
    before = nats_per_character(trainer.model, text.parts["train"])
    assert trained(trainer).train_nats == pytest.approx(before, rel=1e-5)


@pytest.mark.parametrize("readers", [2, 3])
def test_over_the_epochs_every_reader_comes_to_have_read_the_text_in_one_go(make_trainer, quiet, readers):
    text = Corpus.from_text(Text("any", "abcacbabdca" * 5 + "abcdda"), 0, 0)  # 61: nothing is left over
    trainer = make_trainer(corpus=text, batch_size=readers, epochs=readers, sample_every=1, learning_rate=1e-9)
    expected, nats, read = nats_per_character(trainer.model, text.parts["train"]), [], []
    for progress in trainer.run():
        if progress.epoch > readers - 1:
            nats.append(progress.train_nats)
            read.append(trainer.characters)
    lengths = np.diff([60 * (readers - 1), *read])
    assert np.average(nats, weights=lengths) == pytest.approx(expected, rel=1e-5)


def gradient_norm(trainer):
    return float(torch.stack([p.grad.norm() for p in trainer.model.parameters()]).norm())


def test_the_norm_that_is_reported_is_that_before_clipping(make_trainer):
    free, clipped = make_trainer(steps=1, clip_norm=0), make_trainer(steps=1, clip_norm=1e-3)
    norms = trained(free).grad_norm, trained(clipped).grad_norm
    assert norms[0] == norms[1] == pytest.approx(gradient_norm(free), rel=1e-5)


def test_clipping_limits_the_gradient_to_its_norm(make_trainer):
    trainer = make_trainer(steps=1, clip_norm=1e-3)
    assert trained(trainer).grad_norm > 0.1
    assert gradient_norm(trainer) == pytest.approx(1e-3, rel=1e-2)


def test_a_clip_norm_of_zero_does_not_clip(make_trainer):
    none, huge = make_trainer(steps=5, clip_norm=0), make_trainer(steps=5, clip_norm=1e9)
    trained(none), trained(huge)
    assert same(weights(none), weights(huge))


def test_weight_decay_shrinks_the_weights(make_trainer):
    plain, decayed = make_trainer(steps=20), make_trainer(steps=20, weight_decay=5.0)
    trained(plain), trained(decayed)
    norms = [sum(float((w**2).sum()) for w in weights(t).values()) for t in (plain, decayed)]
    assert norms[1] < norms[0]


def test_a_short_text_trains_with_sizes_too_large_for_it(make_trainer):
    corpus = Corpus.from_text(Text("hello", "hello"))
    trainer = make_trainer(corpus=corpus, steps=120, batch_size=32, seq_length=64)
    assert trained(trainer).train_nats < 0.3
    assert trainer.streams.batch_size == 1


def test_rmsprop_learns_too(make_trainer):
    assert trained(make_trainer(steps=120, seq_length=14, optimizer="rmsprop", learning_rate=5e-3)).val_nats < 0.5


def test_the_epoch_sets_the_rate_of_an_exponential_schedule(make_trainer):
    trainer = make_trainer(
        steps=40, batch_size=2, warmup=0, schedule="exponential", decay=0.5, decay_after=1, sample_every=1
    )
    for progress in trainer.run():  # a report tells of the step before it
        begun = (progress.step - 1) // trainer.streams.steps_in(0)
        assert progress.learning_rate == pytest.approx(1e-2 * 0.5 ** max(0, begun), rel=1e-6)
        if progress.epoch >= 2:
            break


@pytest.mark.parametrize("bound", [1e-3, 1e-5])
def test_clipping_by_value_bounds_each_number_of_the_gradient(make_trainer, bound):
    trainer = make_trainer(steps=1, clip_value=bound, clip_norm=0)
    trained(trainer)
    largest = max(float(p.grad.abs().max()) for p in trainer.model.parameters())
    assert largest == pytest.approx(bound)


def validations(trainer, losses, monkeypatch):
    """Run with these validation losses in turn; return how many were asked for."""
    left = (Measured(loss, 35, True) for loss in losses)
    monkeypatch.setattr("charrnn.training.validation.measured", lambda *_: next(left))
    return sum(progress.val_nats is not None for progress in trainer.run())


def test_patience_ends_a_run_after_so_many_validations_in_vain(make_trainer, monkeypatch):
    trainer = make_trainer(steps=99, sample_every=1, patience=2)
    assert validations(trainer, [3.0, 2.0, 2.5, 1.9, 1.9, 2.0, 1.0], monkeypatch) == 6
    assert trainer.stopped == "finished"


def test_without_patience_a_run_goes_on_to_its_end(make_trainer, monkeypatch):
    assert validations(make_trainer(steps=4, sample_every=1), [1.0, 2.0, 3.0, 4.0], monkeypatch) == 4


def test_a_reader_that_begins_anew_knows_nothing_of_what_it_read(make_model):
    ids = torch.tensor([[0, 1, 2, 1], [2, 2, 0, 1], [1, 0, 0, 2]])
    learner, afresh = (Learner(make_model(), TrainingConfig(steps=2), torch.float32, Group()) for _ in range(2))
    learner.learn(Fed(ids.flip(1), ids), 0.0)
    carried = learner.state()["recurrent.0.0"].clone()
    learner.forget(slice(1, None, 2))
    learner.learn(Fed(ids, ids), 0.0)
    afresh.learn(Fed(ids, ids), 0.0)
    ones, others = learner.state()["recurrent.0.0"], afresh.state()["recurrent.0.0"]
    assert torch.equal(ones[1], others[1])
    assert not torch.equal(ones[0], others[0])
    assert carried[1].abs().sum() > 0


def test_the_training_loss_charges_what_is_folded(make_model):
    losses, ids = [], torch.tensor([[0, 1, 2, 1]])
    for folding in (None, Folding(id=1, nats=3.0)):
        learner = Learner(make_model(), TrainingConfig(steps=1), torch.float32, Group(), folding)
        losses.append(float(learner.learn(Fed(ids, ids), 0.0).loss))
    assert losses[1] - losses[0] == pytest.approx(3.0 * 2 / 4, abs=1e-6)
