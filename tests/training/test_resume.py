"""A run that was stopped and resumed equals one that was not, to the last bit."""

import pytest
import torch

from charrnn.errors import RunError
from charrnn.model.config import CELL_NAMES
from charrnn.training.config import TrainingConfig
from charrnn.training.resume import STATE, Sources, load_sources, restore, save_sources, save_state
from charrnn.training.trainer import Trainer

STEPS = TrainingConfig(batch_size=3, seq_length=4, learning_rate=1e-2, steps=40, sample_every=10)


def new_trainer(make_model, corpus, cell="lstm", config=STEPS, precision=torch.float32):
    model = make_model(1, cell=cell, num_layers=2, dropout=0.3, vocabulary_size=len(corpus.vocabulary))
    return Trainer(model, corpus, config, precision)


def stopped_after(trainer, milestones, folder):
    for progress in trainer.run():
        if progress.milestone:
            save_state(trainer, folder)
            milestones -= 1
        if not milestones:
            return


def finished(trainer):
    return [progress for progress in trainer.run() if progress.milestone]


def same_bits(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.model.parameters(), other.model.parameters(), strict=True))


@pytest.mark.parametrize("cell", CELL_NAMES)
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("milestones", [1, 3])
def test_k_steps_a_stop_and_the_rest_give_the_weights_of_all_steps(
    make_model, corpus, tmp_path, cell, precision, milestones
):
    straight = new_trainer(make_model, corpus, cell, precision=precision)
    end = finished(straight)[-1]
    stopped_after(new_trainer(make_model, corpus, cell, precision=precision), milestones, tmp_path)
    resumed = new_trainer(make_model, corpus, cell, precision=precision)
    restore(resumed, tmp_path)
    assert resumed.step == 10 * milestones
    resumed_end = finished(resumed)[-1]
    assert same_bits(straight, resumed)
    assert (resumed_end.step, resumed_end.epoch, resumed_end.val_nats) == (end.step, end.epoch, end.val_nats)


def test_a_stop_that_is_not_restored_gives_other_weights(make_model, corpus, tmp_path):
    straight = new_trainer(make_model, corpus)
    finished(straight)
    stopped_after(new_trainer(make_model, corpus), 1, tmp_path)
    fresh = new_trainer(make_model, corpus)
    stopped_after(fresh, 1, tmp_path)
    assert not same_bits(straight, fresh)


def test_a_finished_run_does_not_go_on(make_model, corpus, tmp_path):
    done = new_trainer(make_model, corpus)
    stopped_after(done, 4, tmp_path)
    resumed = new_trainer(make_model, corpus)
    restore(resumed, tmp_path)
    assert finished(resumed) == []
    assert resumed.stopped == "finished"


def test_every_flipped_byte_of_a_state_is_found(make_model, corpus, tmp_path):
    stopped_after(new_trainer(make_model, corpus), 1, tmp_path)
    content = (tmp_path / STATE).read_bytes()
    header = 8 + int.from_bytes(content[:8], "little")
    trainer = new_trainer(make_model, corpus)
    for place in (*range(header), *range(header, len(content), 97)):
        (tmp_path / STATE).write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        with pytest.raises(RunError):
            restore(trainer, tmp_path)


def test_a_state_of_another_network_is_refused(make_model, corpus, tmp_path):
    stopped_after(new_trainer(make_model, corpus, "lstm"), 1, tmp_path)
    with pytest.raises(RunError, match="does not fit this network"):
        restore(new_trainer(make_model, corpus, "gru"), tmp_path)


def test_a_folder_without_a_state_is_refused(make_model, corpus, tmp_path):
    with pytest.raises(RunError, match="holds no state"):
        restore(new_trainer(make_model, corpus), tmp_path)


def test_sources_come_back_as_they_were_kept(tmp_path):
    sources = Sources(("a [red]\n.txt", "-"), "latin-1", 0.1, 0)
    save_sources(sources, tmp_path)
    assert load_sources(tmp_path) == sources


@pytest.mark.parametrize("content", [b"", b"[]", b'{"sources": 3}', b"\xff"])
def test_sources_that_are_none_are_refused(tmp_path, content):
    (tmp_path / "sources.json").write_bytes(content)
    with pytest.raises(RunError, match=r"holds no sources\.json of a run"):
        load_sources(tmp_path)
