"""A run that was stopped and resumed equals one that was not, to the last bit."""

import json
from dataclasses import asdict

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from charrnn.errors import RunError
from charrnn.model.checkpoint import Figures, Header, Provenance
from charrnn.model.config import CELL_NAMES
from charrnn.text.spec import TextSpec
from charrnn.training.config import TrainingConfig
from charrnn.training.resume import STATE, Account, SavedState, _sealed, load_state, restore, save_state
from charrnn.training.trainer import Trainer

SOURCES = TextSpec(("a [red]\n.txt", "-"), "latin-1", 0.1, 0)
STEPS = TrainingConfig(batch_size=3, seq_length=4, learning_rate=1e-2, steps=40, sample_every=10)


def new_trainer(make_model, corpus, cell="lstm", config=STEPS, precision=torch.float32):
    dropped = {"dropout": 0.3, "weight_dropout": 0.2}
    model = make_model(1, cell=cell, num_layers=2, **dropped, vocabulary_size=len(corpus.vocabulary))
    return Trainer(model, corpus, config, precision)


def saved(trainer, folder, best_nats=None, sources=SOURCES):
    training = {name: value for name, value in asdict(trainer.config).items() if value is not None}
    song = Provenance("song", "0" * 64, 180, {"train": 180})
    header = Header(trainer.model.config, song, Figures(trainer.step), training | {"precision": "float32"})
    vocabulary = trainer.corpus.vocabulary
    save_state(SavedState(Account(header, sources, best_nats), vocabulary, trainer.state()), folder)


def stopped_after(trainer, milestones, folder):
    for progress in trainer.run():
        if progress.milestone:
            saved(trainer, folder)
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
    restore(resumed, load_state(tmp_path))
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
    restore(resumed, load_state(tmp_path))
    assert finished(resumed) == []
    assert resumed.stopped == "finished"


def test_a_flipped_byte_anywhere_in_a_state_is_found(make_model, corpus, tmp_path):
    stopped_after(new_trainer(make_model, corpus), 1, tmp_path)
    content = (tmp_path / STATE).read_bytes()
    header = 8 + int.from_bytes(content[:8], "little")
    for place in (*range(0, header, 7), *range(header, len(content), 997)):
        (tmp_path / STATE).write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        with pytest.raises(RunError):
            load_state(tmp_path)


def test_a_state_of_another_network_is_refused(make_model, corpus, tmp_path):
    stopped_after(new_trainer(make_model, corpus, "lstm"), 1, tmp_path)
    with pytest.raises(RunError, match="does not fit this network"):
        restore(new_trainer(make_model, corpus, "gru"), load_state(tmp_path))


@pytest.mark.parametrize("name", ["", "missing", "a" * 300])
def test_a_folder_without_a_state_is_refused(tmp_path, name):
    with pytest.raises(RunError, match=r"holds no state|there is no folder"):
        load_state(tmp_path / name)


def test_what_a_state_says_comes_back_as_it_was_saved(make_model, corpus, tmp_path):
    trainer = new_trainer(make_model, corpus)
    saved(trainer, tmp_path, best_nats=1.25)
    state = load_state(tmp_path)
    assert (state.account.sources, state.account.best_nats) == (SOURCES, 1.25)
    assert state.account.header.model == trainer.model.config
    assert state.vocabulary.characters == corpus.vocabulary.characters
    assert {name: tensor.tolist() for name, tensor in state.tensors.items()} == {
        name: tensor.tolist() for name, tensor in trainer.state().items()
    }


def test_a_state_of_before_the_first_step_is_one(make_model, corpus, tmp_path):
    straight = new_trainer(make_model, corpus)
    saved(straight, tmp_path)
    finished(straight)
    resumed = new_trainer(make_model, corpus)
    finished(resumed)  # as one that has been elsewhere and goes back
    restore(resumed, load_state(tmp_path))
    assert (resumed.step, resumed.characters) == (0, 0)
    finished(resumed)
    assert same_bits(straight, resumed)


def rewritten(folder, change):
    """Change a state as another charrnn may have written it: `change` gets its tensors and its account."""
    with safe_open(folder / STATE, framework="pt") as file:
        tensors, metadata = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118
    account = json.loads(metadata["account"])
    change(tensors, account)
    save_file(tensors, folder / STATE, _sealed(json.dumps(account), tensors))


def without(name):
    return lambda tensors, account: tensors.pop(name)


CHANGES = {
    "it lacks counts": without("counts"),
    "it lacks dropout": without("dropout"),
    "it lacks vocabulary": without("vocabulary"),
    "it lacks model.layers.1.bias_hh": without("model.layers.1.bias_hh"),
    "it lacks optimizer.0.exp_avg_sq": without("optimizer.0.exp_avg_sq"),
    "it lacks optimizer.9.step": without("optimizer.9.step"),
    "it lacks recurrent.0.0": without("recurrent.0.0"),
    "it lacks recurrent.1.1": without("recurrent.1.1"),
    "it lacks precision": lambda tensors, account: account["header"]["training"].pop("precision"),
    "counts is of another size or type": lambda tensors, account: tensors.update(counts=tensors["counts"][:7].clone()),
    "missing required field `sources`": lambda tensors, account: account.pop("sources"),
    "Expected `str`": lambda tensors, account: account["header"]["training"].update(optimizer=3),
    "optimizer": lambda tensors, account: account["header"]["training"].update(optimizer="sgd"),
}


@pytest.mark.parametrize("why", CHANGES)
def test_a_state_of_another_layout_is_refused_with_what_is_wrong_and_what_to_do(make_model, corpus, tmp_path, why):
    trainer = new_trainer(make_model, corpus)
    next(p for p in trainer.run() if p.milestone)
    saved(trainer, tmp_path)
    load_state(tmp_path)
    rewritten(tmp_path, CHANGES[why])
    with pytest.raises(RunError) as raised:
        load_state(tmp_path)
    told = str(raised.value)
    assert f"{STATE} is not as this charrnn writes it: " in told
    assert why in told
    assert told.endswith(f"start a new run from its weights: charrnn train SOURCE --init-from {tmp_path}")


@pytest.mark.parametrize("version", ["1", "3", ""])
def test_a_state_of_another_version_is_refused(make_model, corpus, tmp_path, version):
    saved(new_trainer(make_model, corpus), tmp_path)
    with safe_open(tmp_path / STATE, framework="pt") as file:
        tensors, metadata = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118
    save_file(tensors, tmp_path / STATE, metadata | {"format_version": version})
    with pytest.raises(RunError, match=f"not as this charrnn writes it: its version is {version}, not 2; go on with"):
        load_state(tmp_path)


def test_another_file_of_tensors_is_no_state(tmp_path):
    save_file({"a": torch.zeros(2)}, tmp_path / STATE, {"format": "pt"})
    with pytest.raises(RunError, match="is no state of a run"):
        load_state(tmp_path)


@pytest.mark.parametrize("stop_at", range(1, 13))
def test_a_stop_at_any_step_changes_neither_the_milestones_nor_the_end(make_model, corpus, tmp_path, stop_at):
    config = TrainingConfig(batch_size=3, seq_length=4, learning_rate=1e-2, steps=12, sample_every=4)
    straight = new_trainer(make_model, corpus, config=config)
    milestones = [(p.step, p.train_nats, p.val_nats) for p in finished(straight)]
    first = new_trainer(make_model, corpus, config=config)
    before = [p for p in first.run(lambda: first.step >= stop_at) if p.milestone]
    assert (first.stopped, before[-1].step, before[-1].val_nats) == ("interrupted", stop_at, None)
    saved(first, tmp_path)
    resumed = new_trainer(make_model, corpus, config=config)
    restore(resumed, load_state(tmp_path))
    after = finished(resumed)
    assert resumed.stopped == "finished"
    assert [(p.step, p.val_nats) for p in before[:-1] + after] == [(step, val) for step, _, val in milestones]
    assert same_bits(straight, resumed)
