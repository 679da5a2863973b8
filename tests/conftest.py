"""Fixtures that the rooms share: tiny models and their checkpoints, the command line, two runs of it, a browser."""

import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from hypothesis import settings

import charrnn as library
from charrnn.cli.main import main
from charrnn.model.checkpoint import save
from charrnn.model.known import KnownUnit

# Matrices are tiny here, and a second thread only waits; this must stand before the first import of torch.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# No test is timed: other work may use the machine. The same examples each time; `make fuzz` looks for new ones.
settings.register_profile("charrnn", deadline=None, derandomize=True)
settings.load_profile("charrnn")

# A shell that starts the tests in the background has Ctrl-C ignored, by them and by what they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

CELLS = {
    "tanh": {"cell": "rnn", "nonlinearity": "tanh"},
    "relu": {"cell": "rnn", "nonlinearity": "relu"},
    "lstm": {"cell": "lstm"},
    "gru": {"cell": "gru"},
    "peephole": {"cell": "peephole"},
}
SIZES = {"vocabulary_size": 6, "hidden_size": 5, "embedding_size": 3}
QUOTES = KnownUnit("inside_quotes", "0:3", "h", 1, "AUC", 0.998, "book", "val")
LETTERS = "abcdefghijklmnopqrstuvwxyz"


RUN_SIZES = ("--cell=lstm", "--hidden-size=16", "--embedding-size=8", "--seq-length=32", "--batch-size=4")
TINY = (*RUN_SIZES, "--precision=float32")
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


def start(*arguments, cwd=None, **env):
    """Start the command line in a process of its own."""
    command = [sys.executable, "-m", "charrnn", *map(str, arguments)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=cwd, env=environment(**env), **pipes)


def text():
    words = ["the", "cat", "sat", "on", "a", "mat", "and", "said", '"hello', 'there"', "to", "#", "the", "café—owner"]
    choose = random.Random(0).choices
    return "\n".join(" ".join(choose(words, k=7)) for _ in range(60)) + "\n"


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory):
    """A cache of these tests' own."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CHARRNN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(params=list(CELLS))
def cell(request):
    """Every cell in turn, as options of ModelConfig."""
    return CELLS[request.param]


@pytest.fixture(scope="session")
def make_config():
    """A function that returns a tiny ModelConfig, its sizes all different; options replace any of them."""
    from charrnn.model.config import ModelConfig

    return lambda **options: ModelConfig(**{**SIZES, **options})


@pytest.fixture(scope="session")
def make_model(make_config):
    """A function that returns a tiny CharRNN whose every weight, biases and peepholes too, has its own value."""
    import torch

    from charrnn.model.network import CharRNN

    def make(seed=0, **options):
        generator = torch.Generator().manual_seed(seed)
        model = CharRNN(make_config(**options), generator)
        for name, weight in model.named_weights():
            if "bias" in name or "peephole" in name:
                weight.data.normal_(std=0.5, generator=generator)
        return model

    return make


@pytest.fixture(scope="session")
def make_checkpoint(make_model):
    """A function that returns a Checkpoint of such a model, over the first letters of the alphabet."""
    from charrnn.model.checkpoint import Checkpoint, Figures, Header, Provenance
    from charrnn.text.vocabulary import Vocabulary

    def make(**options):
        model = make_model(**options)
        corpus = Provenance("letters", "0" * 64, 100, {"train": 90, "val": 10}, "CC0-1.0")
        header = Header(model.config, corpus, Figures(7, 0.5, 1.25, 2.5, 2.25), {"seed": 3, "schedule": "cosine"})
        return Checkpoint(header, Vocabulary(LETTERS[: model.config.vocabulary_size]), model.weights())

    return make


@pytest.fixture(scope="session")
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


@pytest.fixture
def knowing(run, tmp_path):
    """A file of a model that knows a unit by name."""
    whole = library.load(run).checkpoint
    path = tmp_path / "knowing.safetensors"
    save(replace(whole, header=replace(whole.header, known_units=(QUOTES,))), path, "int8")
    return path


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


@pytest.fixture(scope="session")
def chromium():
    """A headless Chromium of the system's, for pages that are to be seen as a reader sees them."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no Chromium is on this machine")
    sync_playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").sync_playwright
    sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=sandbox)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium):
    """A function that opens a file in Chromium; the test fails if it asked for anything else or complained."""
    said, contexts = [], []

    def opened(path, address="", **options):
        contexts.append(chromium.new_context(**options))
        contexts[-1].set_default_timeout(120_000)  # milliseconds: other tests may keep the machine busy
        page = contexts[-1].new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        own = (path.as_uri(), "blob:null/")  # the page, and the worker that it makes of its own script
        page.on("request", lambda request: request.url.startswith(own) or said.append(request.url))
        page.goto(path.as_uri() + address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not said
