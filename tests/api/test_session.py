"""All that the documents do with neurons on the command line, a Python program does too, with the options' names."""

import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from charrnn import api
from charrnn.cli.main import cli

ROOT = Path(__file__).parents[2]
SESSION = """
import json, sys
from pathlib import Path
import charrnn

sizes = {"hidden_size": 8, "embedding_size": 4, "precision": "float32", "device": "cpu"}
model = charrnn.train([sys.argv[1]], out="a", steps=8, sample_every=4, keep_checkpoints=True, **sizes)
other = charrnn.train([sys.argv[1]], out="b", steps=4, cell="gru", **sizes)
model, text = charrnn.load("a"), Path(sys.argv[1]).read_text("utf-8")
read = model.read(sys.argv[1], part="all", characters=3000)
found = model.find(read, ["line_position"], regex=["AT=at"])
unit = str(found.findings[0].unit)
done = {
    "features": charrnn.features(),
    "find": found,
    "show": model.show(read, unit, length=50),
    "show a feature": model.show(read, feature="line_position", length=50),
    "explore": model.explore(read, length=60),
    "gallery": model.gallery(sys.argv[1], part="all", length=60, characters=2000, ablated=100),
    "dump": model.dump(read, "units.npz", signals=["h", "c"]),
    "ablate": model.ablate(read, unit, feature="AT=at"),
    "steer": model.steer(unit, prime="the ", length=20),
    "gates": model.gates(read),
    "grep": model.grep(read, [unit], 100, 130, count=2),
    "compare": model.compare(other, text, feature="line_position", characters=2000),
    "compare a run": charrnn.emergence("a", [sys.argv[1]], "line_position", characters=2000, part="all"),
    "trace": model.trace(read, 200, length=30),
    "trace of another": model.trace(read, 200, of="t", measure="product", length=30),
    "gradients": model.gradients(read, distance=5, losses=4),
    "gradients of cells": charrnn.compare_cells(text, steps=2, hidden_size=4, distance=5, losses=4),
}
done["show"].save("unit.html")
done["gates"].save("gates.png")
done["gradients"].save("model.svg")
done["gradients of cells"].save("cells.png")
done["compare a run"].save("emerged.png")
done["trace"].save("reach.html")
done["explore"].save("explore.html")
done["gallery"].save("gallery")
assert not [name for name in sys.modules if name.startswith("charrnn.cli")], "a program needs no command line"
told = {name: [str(each), each.to_dict(), each._repr_html_()] for name, each in done.items()}
Path("told.json").write_text(json.dumps(told, allow_nan=False), "utf-8")
"""
WRITTEN = {
    "unit.html": b"<!doctype html>",
    "gates.png": b"\x89PNG",
    "model.svg": b"<?xml",
    "cells.png": b"\x89PNG",
    "emerged.png": b"\x89PNG",
    "reach.html": b"<!doctype html>",
    "explore.html": "\ufeff<!doctype html>".encode("utf-16-le"),  # takes half the room of UTF-8 for a network
    "gallery/index.html": b"<!doctype html>",
    "units.npz": b"PK",
}


@pytest.fixture(scope="module")
def session(book, tmp_path_factory):
    """The folder in which the session has run."""
    folder, long = tmp_path_factory.mktemp("session"), tmp_path_factory.mktemp("long") / "book.txt"
    long.write_text(book.read_text("utf-8") * 2, "utf-8")
    ended = subprocess.run(
        [sys.executable, "-c", SESSION, long], cwd=folder, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return folder


def test_a_session_does_what_the_documents_do_with_neurons(session):
    told = json.loads((session / "told.json").read_text("utf-8"))
    pages = [(ROOT / name).read_text("utf-8") for name in ("README.md", "docs/neurons.md")]
    documented = {name for page in pages for name in re.findall(r"charrnn (?:neurons )?(\w+)", page)}
    commands = {*cli.commands["neurons"].commands, "gradients"}
    assert documented & commands == commands, "the documents show every command"
    assert {name.split(" ")[0] for name in told} == commands
    for shown, as_dict, html in told.values():
        assert shown
        assert as_dict
        assert html.startswith("<")
        assert "<script" not in html


@pytest.mark.parametrize("name", WRITTEN)
def test_what_a_session_finds_is_saved_as_its_name_asks(session, name):
    assert (session / name).read_bytes().startswith(WRITTEN[name])


# Options that say where the text is from, and how a result is shown; a method takes what they make.
OF_COMMANDS = {
    "part",
    "characters",
    "reading",
    "device",
    "threads",
    "form",
    "opens",
    "output",
    "pager",
    "as_json",
    "save",
    "help",
}
OF_READING = {"encoding", "errors", "newlines", "normalize"}
NAMED_OTHERWISE = {("grep", "like"): {"start", "end"}}
CALLED = {
    "compare": lambda: {*inspect.signature(api.Model.compare).parameters, *inspect.signature(api.emergence).parameters},
    "gradients": lambda: {
        *inspect.signature(api.Model.gradients).parameters,
        *inspect.signature(api.compare_cells).parameters,
    },
    "features": lambda: set(inspect.signature(api.features).parameters),
}


@pytest.mark.parametrize("name", [*cli.commands["neurons"].commands, "gradients"])
def test_the_options_of_a_command_are_arguments_of_its_call(name):
    command = cli.commands["gradients"] if name == "gradients" else cli.commands["neurons"].commands[name]
    called = CALLED.get(name, lambda: set(inspect.signature(getattr(api.Model, name)).parameters))()
    for option in command.params:
        if isinstance(option, click.Option) and option.name not in OF_COMMANDS | OF_READING | {"cells"}:
            assert NAMED_OTHERWISE.get((name, option.name), {option.name}) <= called, option.name
