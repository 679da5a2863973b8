"""What can go wrong while a run goes on: a loss that is no number, no memory left, a folder that is taken away."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from charrnn.model.checkpoint import load
from charrnn.training.resume import STATE, load_state
from charrnn.training.trainer import Trainer

OPTIONS = ("--steps", 12, "--sample-every", 4, "--json")


def log_of(run):
    return [json.loads(line) for line in (run / "log.jsonl").read_text("utf-8").splitlines()]


@pytest.fixture
def fragile(monkeypatch):
    """A function that makes every step of training beyond a number break where the learning rate is above a limit."""

    def make(step, limit):
        train_on = Trainer._train_on

        def break_there(self, batch, rate):
            train_on(self, batch, rate)
            if self.step == step and rate > limit:
                self.model.readout.bias.data[0] = float("nan")

        monkeypatch.setattr(Trainer, "_train_on", break_there)

    return make


def test_stop_keeps_what_was_good_and_names_step_cause_and_cure(charrnn, tiny, book, tmp_path, fragile):
    fragile(6, 0)
    run = tmp_path / "run"
    result = charrnn("train", book, *tiny, *OPTIONS, "--out", run)
    assert result.status == 1
    assert result.err.splitlines()[-1] == (
        f"Error: the loss was nan at step 7; {run / STATE} is good and holds step 4; resume with --on-nan rollback to "
        "go on from there, or start again with a lower --learning-rate or --clip-norm"
    )
    assert json.loads(result.out)["stopped"] == "diverged"
    assert load(run / "last.safetensors").header.figures.step == 4
    assert load_state(run).account.header.figures.step == 4


@pytest.mark.parametrize("step", [2, 6], ids=["before the first save", "after it"])
def test_rollback_goes_back_halves_the_rate_and_goes_on(charrnn, tiny, book, tmp_path, fragile, step):
    fragile(step, 0.003)
    run = tmp_path / "run"
    recipe = ["--learning-rate", 0.01, "--schedule", "constant", "--warmup", 0]
    result = charrnn("train", book, *tiny, *OPTIONS, *recipe, "--on-nan", "rollback", "--out", run)
    assert result.status == 0, result.err
    back = step // 4 * 4
    notes = [line for line in result.err.splitlines() if line.startswith("Note: the loss was nan at step")]
    ends = [f"going on from step {back} at {part} of the learning rate" for part in (0.5, 0.25)]
    assert [note.partition("; ")[2] for note in notes] == ends
    assert (json.loads(result.out)["stopped"], json.loads(result.out)["rollbacks"]) == ("finished", 2)
    log = log_of(run)
    assert log[-1]["step"] == 12
    assert all(line["rollbacks"] == 2 and line["learning_rate"] == 0.0025 for line in log if line["step"] > back)
    assert not any("rollbacks" in line for line in log if line["step"] <= back)


def test_rollbacks_come_to_an_end(charrnn, tiny, book, tmp_path, fragile):
    fragile(6, 0)
    result = charrnn("train", book, *tiny, *OPTIONS, "--on-nan", "rollback", "--out", tmp_path / "run")
    assert result.status == 1
    assert result.err.count("Note: the loss was nan at step 7") == 10
    assert result.err.splitlines()[-1].startswith("Error: the loss was nan at step 7, after going back 10 times; ")


def test_a_run_that_diverged_can_be_told_to_go_back_when_it_is_resumed(charrnn, tiny, book, tmp_path, fragile):
    fragile(6, 0.005)
    recipe = [*tiny, *OPTIONS, "--learning-rate", 0.01, "--schedule", "constant", "--warmup", 0, "--dropout", 0.3]
    stopped, straight = tmp_path / "stopped", tmp_path / "straight"
    assert charrnn("train", book, *recipe, "--out", stopped).status == 1
    resumed = charrnn("train", "--resume", stopped, "--on-nan", "rollback", "--json")
    assert (resumed.status, json.loads(resumed.out)["rollbacks"]) == (0, 1), resumed.err
    assert charrnn("train", book, *recipe, "--on-nan", "rollback", "--out", straight).status == 0
    np.testing.assert_equal(load(stopped / "last.safetensors").weights, load(straight / "last.safetensors").weights)
    assert load(stopped / "last.safetensors").header.training["on_nan"] == "rollback"


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] . DefaultCPUAllocator: can't allocate memory: you tried to"),
        RuntimeError("MPS backend out of memory (MPS allocated: 9.00 GB"),
        MemoryError(),
    ],
    ids=["cuda", "cpu", "mps", "python"],
)
def test_out_of_memory_is_advice_in_one_line_and_keeps_what_was_saved(
    charrnn, tiny, book, tmp_path, monkeypatch, error
):
    train_on = Trainer._train_on

    def run_out(self, batch, rate):
        if self.step == 6:
            raise error
        train_on(self, batch, rate)

    monkeypatch.setattr(Trainer, "_train_on", run_out)
    run = tmp_path / "run"
    result = charrnn("train", book, *tiny, *OPTIONS, "--out", run)
    assert result.status == 1
    assert result.err.splitlines()[-1] == (
        f"Error: out of memory on cpu after step 6; {run / STATE} is good and holds step 4; start again with a smaller "
        "--batch-size (now 4), a shorter --seq-length (now 32) or a smaller --hidden-size (now 16)"
    )
    assert load(run / "last.safetensors").header.figures.step == 4


def test_another_error_is_not_taken_for_want_of_memory(charrnn, tiny, book, tmp_path, monkeypatch):
    monkeypatch.setattr(Trainer, "_train_on", lambda *_: (_ for _ in ()).throw(RuntimeError("shape mismatch")))
    result = charrnn("train", book, *tiny, *OPTIONS, "--out", tmp_path / "run")
    assert "Error: unexpected RuntimeError: shape mismatch" in result.err


def test_a_folder_that_is_removed_while_training_goes_on_is_made_anew(charrnn, tiny, book, tmp_path, monkeypatch):
    import shutil

    run, train_on = tmp_path / "run", Trainer._train_on

    def remove(self, batch, rate):
        train_on(self, batch, rate)
        if self.step == 6:
            shutil.rmtree(run)

    monkeypatch.setattr(Trainer, "_train_on", remove)
    result = charrnn("train", book, *tiny, *OPTIONS, "--out", run)
    assert result.status == 0, result.err
    assert re.search(
        r"^Note: .lock, best.*state.safetensors of .* went missing while the run goes on", result.err, re.M
    )
    assert load_state(run).account.header.figures.step == 12
    assert Path(json.loads(result.out)["best"]).exists()


def test_a_run_that_is_written_to_is_refused_to_others(charrnn, tiny, book, tmp_path, monkeypatch):
    run, train_on, refused = tmp_path / "run", Trainer._train_on, []

    def meanwhile(self, batch, rate):
        train_on(self, batch, rate)
        if self.step == 6:
            refused.append(charrnn("train", "--resume", run))
            refused.append(charrnn("train", book, *tiny, *OPTIONS, "--out", run))

    monkeypatch.setattr(Trainer, "_train_on", meanwhile)
    assert charrnn("train", book, *tiny, *OPTIONS, "--out", run).status == 0
    assert [result.status for result in refused] == [1, 1]
    assert "is being written to by another run (process " in refused[0].err
    assert "holds a run already" in refused[1].err
    assert log_of(run)[-1]["step"] == 12
