"""Runs, texts and checks from Python: what the commands print is what the calls return."""

import json

import pytest

import charrnn as library
from charrnn.errors import RunError


def test_history_is_what_the_command_prints(charrnn, run):
    history = library.Run(run).history()
    assert json.loads(charrnn("history", run, "--json").out) == json.loads(json.dumps(history.to_dict()))
    assert charrnn("history", run, COLUMNS="80", NO_COLOR="1").out == f"{history}\n"
    assert history.log[-1]["step"] == history.to_dict()["log"][-1]["step"]
    assert "<pre>" in history._repr_html_()


def test_compare_is_what_the_command_prints_and_draws(charrnn, run, tmp_path):
    compared = library.compare([run, library.Run(run)])
    assert json.loads(charrnn("compare", run, run, "--json").out) == json.loads(json.dumps(compared.to_dict()))
    assert charrnn("compare", run, run, COLUMNS="80", NO_COLOR="1").out == f"{compared}\n"
    assert [line.split()[0] for line in str(compared).splitlines() if str(run) in line] == ["1", "2"]
    compared.save(tmp_path / "runs.svg")
    compared.save(tmp_path / "runs.json")
    assert (tmp_path / "runs.svg").read_text().startswith("<?xml")
    assert json.loads((tmp_path / "runs.json").read_text())["comparable"]


def test_info_is_what_the_command_prints(charrnn, run):
    info = library.load(run).info()
    assert json.loads(charrnn("info", run, "--json").out) == json.loads(json.dumps(info.to_dict()))
    assert charrnn("info", run).out == f"{info}\n"


def test_doctor_is_what_the_command_prints(charrnn, run):
    found = library.doctor([run])
    assert json.loads(charrnn("doctor", run, "--json").out) == json.loads(json.dumps(found.to_dict()))
    assert charrnn("doctor", run).out == f"{found}\n"
    assert not found.broken
    with pytest.raises(RunError):
        library.doctor(["nowhere"])


def test_the_corpora_are_what_the_commands_print(charrnn, book):
    named = library.corpora.named()
    assert json.loads(charrnn("corpus", "list", "--json").out) == named.to_dict()
    assert charrnn("corpus", "list").out == f"{named}\n"
    measured = library.corpora.stats([str(book)])
    assert json.loads(charrnn("corpus", "stats", book, "--json").out) == json.loads(json.dumps(measured.to_dict()))
    assert charrnn("corpus", "stats", book).out == f"{measured}\n"
    (python,) = library.corpora.get(["python"])
    assert python.characters > 1e6
    assert python.path is None


def test_a_score_is_what_the_command_prints_and_colours(charrnn, run, book, hello, tmp_path):
    model = library.load(run)
    extract = model.extract(str(book), part="test")
    scored = model.score(extract, against=[hello], baseline=True, dynamic=True, start=3, length=40)
    typed = ("score", run, book, "--part=test", "--against", hello, "--baseline", "--dynamic")
    assert json.loads(charrnn(*typed, "--json").out) == json.loads(json.dumps(scored.to_dict()))
    page = tmp_path / "scored.html"
    assert charrnn(*typed, "--start=3", "--length=40", "--html", page).out == f"{scored}\n"
    scored.save(tmp_path / "own.html")
    assert (tmp_path / "own.html").read_bytes() == page.read_bytes()
    assert scored.nats.shape == (len(extract.text),)


def test_texts_are_what_the_command_writes(charrnn, run):
    model = library.load(run)
    options = {"length": 20, "count": 3, "top_k": 4, "prime": "the ", "seed": 5}
    typed = ("sample", run, "--length=20", "--count=3", "--top-k=4", "--prime=the ", "--seed=5")
    told = model.write(**options).to_dict(nats=True)
    assert json.loads(charrnn(*typed, "--json", "--nats").out) == json.loads(json.dumps(told))
    assert charrnn(*typed).out == str(model.write(**options))
    assert [sample["seed"] for sample in told["samples"]] == [5, 6, 7]
    assert "".join(model.sample(20, prime="the ", top_k=4, seed=5)) == told["samples"][0]["text"]
