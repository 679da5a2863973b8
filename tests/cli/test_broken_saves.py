"""A save that dies or fails at any of its steps: what is left can be gone on from, and the run ends as it should."""

import errno
import json
import os
import subprocess
import sys
from contextlib import closing

import pytest
import torch

from charrnn import files
from charrnn.api.conduct import follow
from charrnn.errors import RunError
from charrnn.model.checkpoint import BEST, LAST, Figures, load
from charrnn.model.config import ModelConfig
from charrnn.model.network import CharRNN
from charrnn.runs.lock import LOCK
from charrnn.text.corpus import Corpus
from charrnn.text.sources import Text
from charrnn.text.spec import TextSpec
from charrnn.training.config import TrainingConfig
from charrnn.training.history import LOG, SAMPLES
from charrnn.training.resume import STATE, load_state, restore
from charrnn.training.run import Run
from charrnn.training.trainer import Trainer

CORPUS = Corpus.from_text(Text("song", "abcade\n" * 25), 0.2, 0)
MODEL = ModelConfig(len(CORPUS.vocabulary), "gru", hidden_size=5, embedding_size=3, dropout=0.3)
TRAINING = TrainingConfig(batch_size=3, seq_length=4, learning_rate=1e-2, steps=4, sample_every=2)
SAVES = 2  # of a run of 4 steps with a milestone at every second
CALLS = ("open", "close", "fsync", "chmod", "replace")


class Killed(BaseException):
    """The process dies here; nothing catches it, and nothing that it does later reaches the disk."""


class Disk:
    """The operating system as `charrnn.files` sees it, with something that happens at its n-th call."""

    def __init__(self, monkeypatch, at, happen, lasting):
        self.calls, self.at, self.happen, self.lasting = 0, at, happen, lasting
        self._undone = monkeypatch
        for name in CALLS:
            self._watch(f"os.{name}", files.os, name)
        self._watch("mkstemp", files.tempfile, "mkstemp")
        self._watch("unlink", files.Path, "unlink")
        for module in ("charrnn.model.sealed.save_file", "charrnn.training.resume.save_file"):
            self._watch_writing(module)
        monkeypatch.setattr(files, "append", self._append(files.append))
        monkeypatch.setattr("charrnn.training.run.append", files.append)

    def count(self, path=None):
        self.calls += 1
        if self.calls == self.at or (self.lasting and self.calls > self.at > 0):
            self.happen()

    def _watch(self, name, owner, attribute):
        call = getattr(owner, attribute)

        def watched(*arguments, **options):
            if name != "unlink" or self.lasting == "dead":  # who has an error may clean up, who is dead may not
                self.count()
            return call(*arguments, **options)

        self._undone.setattr(owner, attribute, watched)

    def _watch_writing(self, place):
        from importlib import import_module

        module = import_module(place.rpartition(".")[0])
        call = module.save_file

        def half_and_more(tensors, path, metadata):
            call(tensors, path, metadata)
            content = path.read_bytes()
            path.write_bytes(content[: len(content) // 2])
            self.count()
            path.write_bytes(content)

        self._undone.setattr(module, "save_file", half_and_more)

    def _append(self, call):
        def half_and_more(path, content):
            self.count()
            call(path, content[: len(content) // 2])
            self.count()
            call(path, content[len(content) // 2 :])

        return half_and_more


def begun(folder):
    """A new trainer and its run."""
    trainer = Trainer(CharRNN(MODEL, torch.Generator().manual_seed(0)), CORPUS, TRAINING)
    return trainer, Run(folder, CORPUS, TRAINING, "float32", TextSpec(("song",), "utf-8", 0.2, 0))


def train(folder):
    """Train from the beginning, or on from the state where there is one."""
    trainer, run = begun(folder)
    with closing(run):
        if not (folder / STATE).exists():
            run.create()
            run.save_state(trainer, Figures())
        else:
            saved = load_state(folder)
            restore(trainer, saved)
            run.reopen(trainer.milestones_settled, saved.account.best_nats)
        follow(trainer, run)


def outcome(folder):
    """All that a run leaves, but for times and speeds."""
    state = load_state(folder)
    counts = state.tensors.pop("counts").tolist()
    tensors = {name: tensor.numpy().tobytes() for name, tensor in state.tensors.items()} | {"steps": counts[0]}
    checkpoints = [load(folder / name) for name in (BEST, LAST)]
    figures = [(c.header.figures.step, c.header.figures.val_nats) for c in checkpoints]
    log, samples = ([json.loads(line) for line in (folder / name).read_text().splitlines()] for name in (LOG, SAMPLES))
    lines = [(line["step"], line["train_nats"], line.get("val_nats")) for line in log]
    weights = [{name: weight.tobytes() for name, weight in c.weights.items()} for c in checkpoints]
    return tensors, weights, figures, state.account.best_nats, lines, samples


@pytest.fixture(autouse=True, scope="module")
def quick():
    """Reports at milestones only; samples are short; nobody waits for the disk, which these tests do not pull out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("charrnn.training.trainer.REPORT_SECONDS", float("inf"))
        patch.setattr("charrnn.api.preview.SAMPLE_LENGTH", 5)
        patch.setattr(os, "fsync", lambda handle: None)
        yield


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    folder = tmp_path_factory.mktemp("straight") / "run"
    train(folder)
    with pytest.MonkeyPatch.context() as patch:
        disk = Disk(patch, 0, None, False)
        train(folder.parent / "counted")
    return outcome(folder), disk.calls


def die():
    raise Killed


def fail():
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def in_turn(straight, happen, lasting, folder, stride=1):
    """Yield after each run that was broken at its n-th call, for every n: the folder, and what was raised."""
    _, calls = straight
    assert calls > 20 * SAVES
    for at in range(1, calls + 1, stride):
        run = folder / str(at)
        with pytest.MonkeyPatch.context() as patch:
            Disk(patch, at, happen, lasting)
            try:
                train(run)
                error = None
            except (Killed, RunError, OSError) as raised:
                error = raised
        yield run, error


def intact(folder):
    """Every file that is there is whole; the last checkpoint is not older than the state, nor newer by two saves."""
    steps = {name: load(folder / name).header.figures.step for name in (BEST, LAST) if (folder / name).exists()}
    if (folder / STATE).exists():
        state = load_state(folder).account.header.figures.step
        assert steps.get(LAST, 0) - state in (0, 2)
        return state
    assert not steps
    return None


def test_a_kill_between_any_two_calls_of_a_save_leaves_what_ends_as_the_whole_run(straight, tmp_path, capsys):
    deaths = 0
    for folder, error in in_turn(straight, die, "dead", tmp_path):
        deaths += isinstance(error, Killed)
        intact(folder)
        train(folder)
        assert outcome(folder) == straight[0]
        assert {path.name for path in folder.iterdir()} == {BEST, LAST, STATE, LOG, SAMPLES, LOCK}
    assert deaths > 20 * SAVES


@pytest.mark.parametrize(("lasting", "stride"), [(False, 3), ("full", 1)], ids=["once", "from then on"])
def test_a_full_disk_at_any_write_is_one_clear_error_and_leaves_the_last_good_save(
    straight, tmp_path, capsys, lasting, stride
):
    failures = 0
    for folder, error in in_turn(straight, fail, lasting, tmp_path, stride):
        if error is None:
            continue
        failures += 1
        assert isinstance(error, RunError)
        assert "cannot be written (No space left on device)" in str(error)
        assert not [path for path in folder.iterdir() if path.suffix == ".tmp"]
        if (step := intact(folder)) is not None:
            assert f"{STATE} is good and holds step {step}" in str(error) or "name another folder" in str(error)
            assert "charrnn train --resume" in str(error) or step == 0
        if failures % 5 == 0:  # with room again
            train(folder)
            assert outcome(folder) == straight[0]
    assert failures > 20 * SAVES // stride


LIMITED = """
import resource, sys
from charrnn.cli.main import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)),) * 2)
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
def test_a_real_limit_of_the_system_is_told_and_spares_what_was_saved(book, tiny, tmp_path):
    run = tmp_path / "run"
    weights_only = 25_000  # bytes: enough for a checkpoint and for the state before the first step, not for the next
    command = ["train", str(book), *tiny, "--steps", "8", "--sample-every", "4", "--out", str(run)]
    done = subprocess.run([sys.executable, "-c", LIMITED, str(weights_only), *command], capture_output=True, text=True)
    assert done.returncode == 1
    error = done.stderr.splitlines()[-1]
    assert error.startswith(f"Error: {run / STATE} cannot be written (File too large); {run / STATE} is good and holds")
    assert error.endswith(f"charrnn train --resume {run}")
    assert load_state(run).account.header.figures.step == 0
    assert load(run / LAST).header.figures.step == 4
    assert not list(run.glob(".*.tmp"))
