"""What `--json` prints is as docs/schema.json says, for every command that has it."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import click
import pytest
from jsonschema import Draft202012Validator

from charrnn import api
from charrnn.cli.main import cli
from charrnn.model.checkpoint import load, save
from charrnn.model.known import KnownUnit

SCHEMA = Path(__file__).parents[2] / "docs" / "schema.json"
if not SCHEMA.exists():
    pytest.skip("the documents are not here", allow_module_level=True)
DEFINED = json.loads(SCHEMA.read_text("utf-8"))
# What each is seen on; RUN and OTHER are runs of different cells, KEPT one with its stages, ITEMS one of the lines of
# BOOK, which is their text.
CASES = {
    "train": [
        "train BOOK --steps 2 --hidden-size 4 --precision float32 --out OUT",
        "train BOOK --each line --steps 2 --hidden-size 4 --precision float32 --out ITEMS",
        "train TABLE --each text --label kind --steps 2 --hidden-size 4 --precision float32 --out CLASSES",
    ],
    "sample": [
        "sample RUN --length 9 --count 2 --seed 1",
        "sample RUN --length 9 --beam 2 --nats",
        "sample OTHER --length 9 --alternatives --prime the",
        "sample RUN --length 9 --temperature 0.5,1",
        "sample ITEMS --length 9 --count 2 --text BOOK --nats",
        "sample ITEMS/best.safetensors --length 9",
    ],
    "score": [
        "score RUN BOOK",
        "score RUN BOOK --part test --dynamic --baseline",
        "score RUN BOOK --against OTHER",
        "score RUN BOOK --nats",
        "score ITEMS BOOK --nats",
        "score CLASSES TABLE --by label",
    ],
    "info": ["info RUN", "info OTHER", "info KEPT/best.safetensors", "info ITEMS"],
    "history": ["history RUN", "history KEPT"],
    "compare": ["compare RUN OTHER KEPT"],
    "gradients": ["gradients RUN BOOK --distance 4 --losses 3", "gradients OTHER BOOK --distance 4 --losses 3"],
    "gradients cells": ["gradients --cells BOOK --steps 2 --hidden-size 4 --distance 4 --losses 2"],
    "neurons ablate": [
        "neurons ablate RUN BOOK --part all --unit 0:1 --characters 1000 --feature after_space",
        "neurons ablate OTHER BOOK --part all --unit 0:1 --characters 100",
    ],
    "neurons compare": [
        "neurons compare RUN OTHER BOOK",
        "neurons compare RUN OTHER BOOK --feature line_position",
    ],
    "neurons compare run": ["neurons compare KEPT BOOK --part all --feature line_position"],
    "neurons find": ["neurons find RUN BOOK --part all", "neurons find OTHER BOOK --part all --feature space_next"],
    "neurons find known": ["neurons find KNOWING LINE"],
    "neurons features": ["neurons features"],
    "neurons gates": ["neurons gates RUN BOOK", "neurons gates KEPT BOOK"],
    "neurons grep": ["neurons grep RUN BOOK --unit 0:1 --like 10:20 --count 2"],
    "neurons show": [
        "neurons show RUN BOOK --unit 0:1 --length 9",
        "neurons show OTHER BOOK --unit 0:1 --unit 0:2 --length 9 --guesses 0",
    ],
    "neurons trace": ["neurons trace RUN BOOK --at 50", "neurons trace OTHER BOOK --at 50 --measure product --of t"],
    "neurons steer": [
        "neurons steer RUN --unit 0:1 --length 9",
        "neurons steer RUN --unit 0:1 --length 9 --feature after_space --count 3",
    ],
    "neurons gallery": ["neurons gallery RUN BOOK --part all --length 60 --ablated 100 -o OUT"],
    "doctor": ["doctor RUN", "doctor BROKEN --prune"],
    "map train": ["map train PAIRS --steps 2 --hidden-size 4 --val-fraction 0.2 --test-fraction 0.2 --out MAPPED"],
    "map apply": ["map apply MAP a --beam 2"],
    "map score": ["map score MAP FIELDS", "map score PLAIN PAIRS --part train"],
    "map attend": ["map attend MAP a", "map attend SEEN SCENES/images/000000.png"],
    "map features": ["map features SCENES/images -o FEATURES"],
    "map info": ["info MAP", "info PLAIN", "info SEEN"],
    "map examples": ["map examples dates --count 20 -o OUT"],
    "corpus list": ["corpus list"],
    "corpus stats": ["corpus stats BOOK"],
}
NEVER = {"rollbacks", "best_val_nats", "best_train_nats"}  # of runs that leave the numbers, or overfit
VARIANTS = {"gradients cells", "neurons compare run", "neurons find known", "map info"}  # of a command's object
BY_FORMAT = ("neurons show", "neurons trace", "map attend")


@pytest.fixture(scope="module")
def places(train, book, tmp_path_factory):
    """What the words of the cases stand for."""
    folder = tmp_path_factory.mktemp("json")
    text = folder / "book.txt"
    text.write_text(2 * book.read_text("utf-8"), "utf-8")
    sizes = ("--steps=4", "--sample-every=2", "--hidden-size=6")
    runs = {
        "RUN": train(*sizes, "--embedding-size=0", source=text),
        "OTHER": train(*sizes, "--cell=rnn", "--nonlinearity=relu", source=text),
        "KEPT": train(*sizes, "--cell=gru", "--keep-checkpoints", source=text),
    }
    table = folder / "table.csv"
    table.write_text("text,kind\n" + "".join(f"{'ab'[n % 2] * n},{n % 2}\n" for n in range(1, 20)), "utf-8")
    classes = {"TABLE": table, "CLASSES": folder / "classes"}
    broken = shutil.copytree(runs["RUN"], folder / "broken")
    (broken / "best.safetensors").write_bytes(b"no checkpoint")
    (broken / ".log.jsonl.x.tmp").write_bytes(b"left")
    pairs = folder / "pairs.tsv"
    pairs.write_text("".join(f"a{n}\tb{n}\n" for n in range(20)), "utf-8")
    fields = folder / "fields"  # where attention should look is known, and the answer is easy
    fields.mkdir()
    for part in ("train", "test"):
        (fields / f"{part}.tsv").write_text("source\ttarget\n" + "".join(f"a{part}{n}\tb\n" for n in range(9)), "utf-8")
    (fields / "fields.json").write_text('{"source": "(?P<x>a).*", "target": "(?P<x>b)"}', "utf-8")
    tiny = {"hidden_size": 4, "threads": 1}
    runs["MAP"], runs["PLAIN"] = folder / "map", folder / "plain"
    api.map.train(fields, out=runs["MAP"], steps=60, learning_rate=0.03, **tiny)
    api.map.train(pairs, attention="none", out=runs["PLAIN"], steps=2, **tiny)
    knowing, line = folder / "knowing.safetensors", folder / "line.txt"
    whole = load(f"{runs['RUN']}/best.safetensors")
    known = KnownUnit("inside_quotes", "0:3", "h", 1, "AUC", 0.998, "book")
    save(replace(whole, header=replace(whole.header, known_units=(known,))), knowing)
    line.write_text("the cat\n", "utf-8")
    runs |= {"KNOWING": knowing, "LINE": line}
    scenes, runs["SEEN"] = folder / "scenes", folder / "seen"
    api.map.examples("scenes", scenes, count=10)
    api.map.features(scenes / "images", folder / "seen.npz")
    api.map.train(scenes, images=folder / "seen.npz", out=runs["SEEN"], steps=2, **tiny)
    runs |= {"SCENES": scenes, "FEATURES": folder / "other.npz"}
    runs |= {"PAIRS": pairs, "MAPPED": folder / "mapped", "FIELDS": fields}
    return {**runs, "BOOK": text, "OUT": folder / "out", "ITEMS": folder / "items", **classes, "BROKEN": broken}


def typed(name, case, places):
    """A case as it is typed."""
    words = ["/".join(str(places.get(part, part)) for part in word.split("/")) for word in case.split()]
    return [*words, "--format=json" if name in BY_FORMAT else "--json"]


@pytest.fixture(scope="module")
def printed(charrnn, places):
    """What each command prints, by its name: the objects of all its cases."""
    folder = places["OUT"].parent
    kept = {"CHARRNN_CACHE": str(folder / "cache"), "CHARRNN_CORPORA": str(folder / "corpora")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(folder))
        patch.chdir(folder)
        results = {
            name: [charrnn(*typed(name, case, places), **kept) for case in cases] for name, cases in CASES.items()
        }
    assert not [result.err for name, each in results.items() if name != "doctor" for result in each if result.status]
    told = {name: [json.loads(result.out) for result in each] for name, each in results.items()}
    for name, file in (("log line", "log.jsonl"), ("samples line", "samples.jsonl")):
        told[name] = [json.loads(line) for line in (places["RUN"] / file).read_text("utf-8").splitlines()]
    return told


@pytest.mark.parametrize("name", [*CASES, "log line", "samples line"])
def test_what_a_command_prints_is_as_its_schema_says(printed, name):
    checked = Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": DEFINED["$defs"]})
    for told in printed[name]:
        assert not [f"{error.json_path}: {error.message}" for error in checked.iter_errors(told)]


def keys(value):
    """The names of all fields in a value, at any depth."""
    if isinstance(value, dict):
        return set(value).union(*map(keys, value.values()))
    return set().union(*map(keys, value)) if isinstance(value, list) else set()


def named(schema):
    """The names of all fields that a schema defines, at any depth."""
    if isinstance(schema, dict):
        return set(schema.get("properties", {})).union(*map(named, schema.values()))
    return set().union(*map(named, schema)) if isinstance(schema, list) else set()


def test_a_schema_promises_no_field_that_never_comes(printed):
    assert named(DEFINED) - keys(printed) <= NEVER


def commands(group, above=()):
    """All commands, by the words that they are called by."""
    for name, command in group.commands.items():
        yield from (
            commands(command, (*above, name)) if isinstance(command, click.Group) else [((*above, name), command)]
        )


def test_every_command_that_prints_json_has_a_schema_and_a_case():
    able = {
        " ".join(words)
        for words, command in commands(cli)
        for option in command.params
        if "--json" in option.opts or (option.name == "form" and "json" in option.type.choices)
    }
    assert able - {"gallery", "explore", "show"} == set(CASES) - VARIANTS
    assert set(CASES) < set(DEFINED["$defs"])


def test_the_schema_is_one():
    Draft202012Validator.check_schema(DEFINED)
