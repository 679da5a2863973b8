"""A signal at any time leaves with its status: with nothing written, or with a run that can be resumed."""

import shutil
import signal
import subprocess
import sys

import pytest

from charrnn.training.resume import load_state

# Calls the command line with a function that sends this process a signal when it is called, and then does what it did.
SENDING = """
import importlib, os, signal, sys
place, name, number, *arguments = sys.argv[1:]
module, _, owner = place.partition(":")
holder = importlib.import_module(module)
holder = getattr(holder, owner) if owner else holder
original = getattr(holder, name)
def sending(*arguments, **options):
    os.kill(os.getpid(), int(number))
    return original(*arguments, **options)
setattr(holder, name, sending)
sys.argv[1:] = arguments
from charrnn.cli.main import main
main()
"""


# Calls the command line with a signal to this process where it imports a module.
LOADING = """
import os, sys
name, number, *arguments = sys.argv[1:]
class Finder:
    def find_spec(found, *more):
        if found == name:
            os.kill(os.getpid(), int(number))
sys.meta_path.insert(0, Finder)
sys.argv[1:] = arguments
from charrnn.cli.main import main
main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("name", ["torch", "torch._C", "torch.storage", "torch.nn"])
def test_a_signal_while_torch_is_loaded_leaves_at_once_and_in_silence(book, tmp_path, name, number):
    command = [sys.executable, "-c", LOADING, name, str(int(number)), "train", book, "--out", tmp_path / "run"]
    done = subprocess.run(command, capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (128 + number, b"", b"")
    assert not (tmp_path / "run").exists()


def sent(place, name, number, *arguments, **options):
    """Run the command line in a process that sends itself a signal where it calls a function."""
    command = [sys.executable, "-c", SENDING, place, name, str(int(number)), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, timeout=60, **options)


def ended(number):
    return 128 + number


@pytest.mark.parametrize(
    ("place", "name", "number"),
    [("charrnn.training.run:Run", "create", signal.SIGINT), ("charrnn.cli.progress", "_announced", signal.SIGTERM)],
)
def test_a_signal_while_a_run_begins_leaves_a_saved_state(charrnn, book, tiny, tmp_path, place, name, number):
    run = tmp_path / "run"
    done = sent(place, name, number, "train", book, *tiny, "--steps", 9, "--out", run)
    assert done.returncode == ended(number), done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert b"Stopping after this step" in done.stderr
    assert not list(run.glob(".*.tmp"))
    assert charrnn("train", "--resume", run).status == 0


@pytest.mark.parametrize(
    ("place", "name", "number"),
    [
        ("charrnn.text.spec", "listed", signal.SIGINT),
        ("charrnn.training.trainer:Trainer", "__init__", signal.SIGTERM),
    ],
)
def test_a_signal_before_that_leaves_nothing(book, tiny, tmp_path, place, name, number):
    done = sent(place, name, number, "train", book, *tiny, "--steps", 9, cwd=tmp_path)
    assert done.returncode == ended(number), done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_signal_as_a_run_goes_on_leaves_its_state(charrnn, run, tmp_path):
    folder = shutil.copytree(run, tmp_path / "run")
    done = sent("charrnn.cli.progress", "_announced", signal.SIGTERM, "train", "--resume", folder)
    assert done.returncode == ended(signal.SIGTERM)
    assert charrnn("train", "--resume", folder).status == 0


def test_who_stops_a_run_when_it_is_announced_can_resume_it(process, book, tiny, tmp_path):
    with process("train", book, *tiny, "--steps", 10**6, "--out", tmp_path / "run") as training:
        while b"run in" not in (line := training.stderr.readline()):
            assert line, "the run ended before it was announced"
        training.terminate()
        training.communicate(timeout=60)
    assert training.returncode == ended(signal.SIGTERM)
    assert load_state(tmp_path / "run").account.header.figures.step >= 1
