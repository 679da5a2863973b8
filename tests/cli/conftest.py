"""The command line, called in this process or in one of its own, and two runs that all tests here share."""

import io
import json
import os
import random
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from types import SimpleNamespace
from unittest.mock import patch

import pytest

from charrnn.cli.main import main

SIZES = ("--cell=lstm", "--hidden-size=16", "--embedding-size=8", "--seq-length=32", "--batch-size=4")
TINY = (*SIZES, "--precision=float32")
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "COLUMNS": "80"}
LEFT_OUT = ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "CHARRNN_DEBUG")


def environment(**extra):
    kept = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
    return kept | ENVIRONMENT | extra


def call(*arguments, stdin=b"", **env):
    """Call the command line in this process; return its exit status and what it wrote."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="", write_through=True) for _ in range(2))
    handler = signal.getsignal(signal.SIGTERM)
    with (
        patch.object(sys, "argv", ["charrnn", *map(str, arguments)]),
        patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8")),
        patch.dict(os.environ, environment(**env), clear=True),
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as exit_,
    ):
        main()
    signal.signal(signal.SIGTERM, handler)
    written = (stream.buffer.getvalue().decode() for stream in (out, err))
    return SimpleNamespace(status=exit_.value.code, **dict(zip(("out", "err"), written, strict=True)))


def start(*arguments, **env):
    """Start the command line in a process of its own."""
    command = [sys.executable, "-m", "charrnn", *map(str, arguments)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, env=environment(**env), **pipes)


def text():
    words = ["the", "cat", "sat", "on", "a", "mat", "and", "said", '"hello', 'there"', "to", "#", "the", "café—owner"]
    choose = random.Random(0).choices
    return "\n".join(" ".join(choose(words, k=7)) for _ in range(60)) + "\n"


@pytest.fixture
def charrnn():
    return call


@pytest.fixture
def process():
    return start


@pytest.fixture(scope="session")
def book(tmp_path_factory):
    path = tmp_path_factory.mktemp("texts") / "book.txt"
    path.write_text(text(), "utf-8")
    return path


@pytest.fixture(scope="session")
def trained(book, tmp_path_factory):
    """What `train --json` reported of the run of the book."""
    out = tmp_path_factory.mktemp("runs") / "book"
    result = call("train", book, *TINY, "--steps", 30, "--sample-every", 10, "--out", out, "--json")
    assert result.status == 0, result.err
    return result


@pytest.fixture(scope="session")
def run(trained):
    """The folder of the run of the book."""
    return json.loads(trained.out)["run"]


@pytest.fixture(scope="session")
def train(book, tmp_path_factory):
    """A function that trains a tiny model of the book, or of another text, and returns the run's folder."""

    def make(*options, source=book):
        out = tmp_path_factory.mktemp("runs") / "other"
        result = call("train", source, *TINY, *options, "--out", out)
        assert result.status == 0, result.err
        return out

    return make


@pytest.fixture(scope="session")
def hello(tmp_path_factory):
    """The folder of a run that knows "hello" by heart."""
    folder = tmp_path_factory.mktemp("hello")
    options = ["--steps", "200", "--sample-every", "200", "--dropout", "0", "--learning-rate", "0.02"]
    result = call("train", "-", *TINY, *options, "--out", folder / "run", stdin=b"hello")
    assert result.status == 0, result.err
    return folder / "run"


@pytest.fixture
def tiny():
    return TINY
