"""`charrnn map`: pairs in, a model that answers, and what is told on the way."""

import json
import shutil
import subprocess
import sys

import pytest
from safetensors import safe_open

from charrnn import api
from charrnn.api.map_watch import MapWatch

TINY = ("--hidden-size=16", "--memory-size=16", "--embedding-size=8", "--attention-size=8", "--threads=1")


@pytest.fixture(scope="module")
def dates(charrnn, tmp_path_factory):
    """A folder of a few dates."""
    folder = tmp_path_factory.mktemp("map") / "dates"
    result = charrnn("map", "examples", "dates", "--count", 200, "-o", folder)
    assert (result.status, result.err) == (0, "")
    assert result.out == f"wrote {folder}: dates (train 160, val 20, test 20), columns english, iso, korean\n"
    return folder


@pytest.fixture(scope="module")
def model(charrnn, dates):
    """The run folder of a model that has seen them for a few steps."""
    out = dates.parent / "run"
    result = charrnn("map", "train", dates, "--source=english", "--target=iso", "--steps=4", *TINY, "--out", out)
    assert result.status == 0, result.err
    assert "lstm, bidirectional, soft attention" in result.err
    assert "── step 4" in result.err
    assert " → " in result.err
    assert result.out.startswith("finished after 4 steps")
    assert f"Next:  charrnn map apply {out} INPUT" in result.out
    return out


def test_an_input_a_file_and_stdin_are_answered_in_order(charrnn, model, tmp_path):
    one = charrnn("map", "apply", model, "Friday, 27 November 2026")
    lines = tmp_path / "inputs.txt"
    lines.write_text("Friday, 27 November 2026\n\nMonday, 1 May 1600\n", "utf-8")
    several = charrnn("map", "apply", model, lines)
    piped = charrnn("map", "apply", model, "-", stdin=lines.read_bytes())
    assert one.status == several.status == piped.status == 0
    assert several.out == piped.out
    assert len(several.out.splitlines()) == 2
    assert several.out.startswith(one.out)


def test_answers_are_drawn_by_the_seed(charrnn, model):
    drawn = [
        charrnn("map", "apply", model, "Monday, 1 May 1600", "--count=4", "--seed", seed, "--json").out
        for seed in (1, 1, 2)
    ]
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(json.loads(drawn[0])["inputs"][0]["answers"]) == 4


def test_a_score_names_what_stands_beside_it(charrnn, model, dates):
    result = charrnn("map", "score", model, dates, "--part=val")
    assert result.status == 0, result.err
    for words in (
        "exact (greedy)",
        "most similar training input",
        "distinct answers",
        "inputs shuffled",
        "the place looked at hidden",
    ):
        assert words in result.out
    assert all(len(line) <= 80 for line in result.out.splitlines()[:-1])
    told = json.loads(charrnn("map", "score", model, dates, "--part=val", "--json").out)
    assert told["examples"] == 20
    assert told["ignores_input"] is True  # after four steps
    assert told["verdict"].startswith("The model ignores its input")


@pytest.mark.parametrize("form", ["html", "svg", "png", "json", "txt"])
def test_where_it_looks_is_drawn_in_every_format(charrnn, model, tmp_path, form):
    path = tmp_path / f"look.{form}"
    result = charrnn("map", "attend", model, "Monday, 1 May 1600", "-o", path)
    assert (result.status, result.out) == (0, f"wrote {path}\n")
    begins = {"html": b"<!doctype html>", "svg": b"<svg", "png": b"\x89PNG", "json": b'{"model"', "txt": b"Where "}
    assert path.read_bytes().startswith(begins[form])
    if form == "json":
        told = json.loads(path.read_bytes())
        assert len(told["weights"]) == len(told["symbols"])
        assert all(len(row) == len("Monday, 1 May 1600") for row in told["weights"])


def test_pointing_at_a_symbol_of_the_answer_colours_the_input(charrnn, model, tmp_path, open_page):
    path = tmp_path / "look.html"
    charrnn("map", "attend", model, "Monday, 1 May 1600", "-o", path)
    page = open_page(path)
    rest, first = page.locator(".seen.rest"), page.locator(".step").first
    assert rest.is_visible()
    assert not first.locator(".seen").is_visible()
    first.locator("b").first.hover()
    assert first.locator(".seen").is_visible()
    assert first.locator(".seen").inner_text() == "Monday, 1 May 1600"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["apply", "MODEL", "Ä"], "the model has never seen 1 character: 'Ä'; leave it out, or train on examples"),
        (["apply", "MODEL", ""], "an input is empty; give at least one character"),
        (["apply", "MODEL", "M" * 500], "an input has 500 characters; give at most 400"),
        (["apply", "MODEL", "M", "--count=2", "--temperature=-1"], "temperature is -1.0; give a value from 0 to"),
        (["apply", "MODEL", "M", "--count=2", "--seed=-1"], "seed is -1; give a value from 0 to"),
        (["apply", "tolstoy", "M"], "is a model of another kind; it writes without an input: 'charrnn sample' and"),
        (["train", "DATES", "--source=english", "--target=french"], "train.tsv has no column french; choose"),
        (["train", "DATES", "--source=english", "--target=iso", "--memory-size=3"], "memory_size is 3; give an even"),
        (["train", "DATES", "--source=english", "--target=iso", "--out", "MODEL"], "holds a run already; name another"),
        (["attend", "PAGE", "M", "-o", "PAGE"], "model.html is read by this command and could be overwritten"),
        (["examples", "dates", "-o", "DATES"], "train.tsv is there and would be overwritten; name another folder"),
        (["train", "nowhere.tsv"], "there is no file "),
        (["train", "--resume", "MODEL"], "has used up its budget; start a new one for longer"),
        (["train", "--resume", "DATES"], "holds no state.safetensors; give a run folder made by 'charrnn map train'"),
        (["score", "MODEL", "DATES", "--target=nothing"], "train.tsv has no column nothing; choose"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(charrnn, model, dates, tmp_path, arguments, says):
    page = shutil.copy(model / "best.safetensors", tmp_path / "model.html")  # a checkpoint may have any name
    named = {"MODEL": model, "DATES": dates, "PAGE": page}
    files = [page, *dates.iterdir()]
    before = [path.read_bytes() for path in files]
    result = charrnn("map", *(named.get(word, word) for word in arguments))
    assert (result.status, result.out) == (1, "")
    assert says in result.err
    assert [line.startswith("Error: ") for line in result.err.splitlines()] == [True]
    assert [path.read_bytes() for path in files] == before


def test_a_stranger_s_pth_is_never_loaded(charrnn, tmp_path):
    path = tmp_path / "model.pth"
    path.write_bytes(b"PK\3\4" + b"pickle")
    result = charrnn("map", "apply", path, "x")
    assert result.status == 1
    assert "cannot be read as a checkpoint (it is a zip archive, as torch.save makes it)" in result.err


def test_the_commands_about_runs_know_such_a_run(charrnn, model):
    info, history, compared, checked = (
        charrnn(*command, model) for command in (["info"], ["history"], ["compare"], ["doctor"])
    )
    assert [result.status for result in (info, history, compared, checked)] == [0, 0, 0, 0]
    assert "english to iso (train 160, val 20, test 20)" in info.out
    assert history.out.startswith("run: lstm, bidirectional, soft attention 1×16")
    assert " → " in history.out
    assert "damaged" not in checked.out


def test_doctor_finds_what_is_damaged_in_such_a_run(charrnn, model, tmp_path):
    shutil.copytree(model, tmp_path / "run")
    for name in ("best.safetensors", "state.safetensors"):
        path = tmp_path / "run" / name
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    result = charrnn("doctor", tmp_path / "run")
    assert result.status == 1
    assert "best.safetensors is damaged" in result.out
    assert "state.safetensors is damaged" in result.out


@pytest.mark.parametrize(("command", "rest"), [("sample", []), ("score", ["BOOK"])])
def test_other_commands_say_which_commands_read_such_a_model(charrnn, model, book, command, rest):
    result = charrnn(command, model, *[book if word == "BOOK" else word for word in rest])
    assert result.status == 1
    assert "is a model of another kind; it answers inputs: 'charrnn map apply'" in result.err


def test_resume_takes_no_other_choice(charrnn, model):
    result = charrnn("map", "train", "--resume", model, "--hidden-size=3")
    assert result.status == 2
    assert "hidden_size cannot be chosen again with --resume; leave it out." in result.err


def test_answering_needs_no_torch(process, model):
    code = "import sys; from charrnn import api; print(list(api.map.load(sys.argv[1]).apply(['Monday'])));"
    code += "assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code, str(model)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def scenes(charrnn, tmp_path_factory):
    """A folder of a few scenes, with their features."""
    folder = tmp_path_factory.mktemp("seen")
    made = charrnn("map", "examples", "scenes", "--count", 40, "-o", folder / "scenes")
    assert made.out == f"wrote {folder / 'scenes'}: scenes (train 32, val 4, test 4), columns image, caption\n"
    (folder / "scenes" / "images" / "broken.png").write_bytes(b"no picture")
    told = charrnn("map", "features", folder / "scenes" / "images", "-o", folder / "f.npz")
    assert (told.status, told.out) == (
        0,
        f"wrote {folder / 'f.npz'}: 40 images of 8 × 8 cells of 192 numbers, patches; skipped 1 picture\n",
    )
    assert "broken.png cannot be read as a picture (UnidentifiedImageError)" in told.err
    return folder


@pytest.fixture(scope="module")
def seeing(charrnn, scenes):
    """The run folder of a model that has seen scenes for a few steps."""
    out = scenes / "run"
    result = charrnn("map", "train", scenes / "scenes", "--images", scenes / "f.npz", "--steps=4", *TINY, "--out", out)
    assert result.status == 0, result.err
    assert "lstm, images of 8 × 8 cells, soft attention" in result.err
    assert "000000.png → " in result.err
    return out


@pytest.fixture(scope="module")
def asked(charrnn, scenes):
    """The run folder of a model that was asked about scenes for a few steps, and has learned two convolutions."""
    folder = scenes / "questions"
    assert charrnn("map", "examples", "questions", "--count", 40, "-o", folder).status == 0
    assert charrnn("map", "features", folder / "images", "-o", folder / "f.npz", "--patch=4").status == 0
    result = charrnn(
        *("map", "train", folder, "--images", folder / "f.npz", "--steps=4", *TINY, "--convolutions=1"),
        *("--answers", 10, "--one-way", "--out", folder / "run"),
    )  # fmt: skip
    assert result.status == 0, result.err
    assert "whose answer is not among the 10 commonest" in result.err
    assert "one-way, images of 8 × 8 cells after 1 convolution, soft attention" in result.err
    return folder / "run"


def test_a_picture_is_described_as_its_features_are(charrnn, scenes, seeing):
    picture = scenes / "scenes" / "images" / "000000.png"
    plain = charrnn("map", "apply", seeing, picture)
    looked_up = charrnn("map", "apply", seeing, "000000.png", "--images", scenes / "f.npz")
    assert (plain.status, looked_up.status) == (0, 0)
    assert plain.out == looked_up.out


def test_a_question_is_answered_about_a_picture(charrnn, asked):
    picture = asked.parent / "images" / "000001.png"
    result = charrnn("map", "apply", asked, "is there a red ring?", "--image", picture, "--json")
    assert result.status == 0, result.err
    assert json.loads(result.out)["inputs"][0]["source"] == "is there a red ring?"


@pytest.mark.parametrize("which", ["seeing", "asked"])
def test_a_score_of_images_names_what_stands_beside_it(charrnn, request, which):
    run = request.getfixturevalue(which)
    examples = run.parent if which == "asked" else run.parent / "scenes"
    features = run.parent / ("f.npz")
    result = charrnn("map", "score", run, examples, "--images", features)
    assert result.status == 0, result.err
    words = ["answer to the question alone: exact"] if which == "asked" else ["most similar training image: exact"]
    assert all(word in result.out for word in [*words, "images shuffled", "a random place hidden"])
    assert f"ignores its {'image' if which == 'asked' else 'input'}" in result.out
    assert all(len(line) <= 80 for line in result.out.splitlines()[:-1])


@pytest.mark.parametrize("form", ["html", "svg", "png", "json", "txt"])
def test_where_it_looks_in_a_picture_is_drawn_in_every_format(charrnn, scenes, seeing, tmp_path, form):
    path = tmp_path / f"look.{form}"
    result = charrnn("map", "attend", seeing, scenes / "scenes" / "images" / "000002.png", "-o", path)
    assert (result.status, result.out) == (0, f"wrote {path}\n")
    begins = {"html": b"<!doctype html>", "svg": b"<svg", "png": b"\x89PNG", "json": b'{"model"', "txt": b"Where "}
    assert path.read_bytes().startswith(begins[form])
    if form == "json":
        told = json.loads(path.read_bytes())
        assert len(told["weights"]) == len(told["symbols"])
        assert [len(row) for row in told["weights"]] == [64] * len(told["symbols"])
        assert all(sum(row) == pytest.approx(1, abs=1e-4) for row in told["weights"])


def test_the_terminal_shows_the_cells_of_each_word(charrnn, asked):
    picture = asked.parent / "images" / "000001.png"
    result = charrnn("map", "attend", asked, "how many red things are there?", "--image", picture)
    assert result.status == 0, result.err
    assert sum(line.startswith("│") and line.endswith("│") for line in result.out.splitlines()) == 8
    assert "█" in result.out


def test_pointing_at_a_symbol_of_a_caption_shows_where_it_looked(charrnn, scenes, seeing, tmp_path, open_page):
    path = tmp_path / "look.html"
    charrnn("map", "attend", seeing, scenes / "scenes" / "images" / "000002.png", "-o", path)
    page = open_page(path)
    first = page.locator(".step").first
    assert not first.locator(".seen").is_visible()
    first.locator("b").hover()
    assert first.locator(".seen").is_visible()
    assert page.locator(".picture").evaluate("image => image.naturalWidth") == 384


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["train", "SCENES"], "is about images; name their features with --images; 'charrnn map features' makes them"),
        (["train", "SCENES", "--images", "PAPER"], "is no file of features; give .npz, .safetensors or .h5"),
        (["apply", "SEEING", "nowhere.png"], "there is no picture nowhere.png; check the path"),
        (["apply", "SEEING", "PICTURE", "--image", "PICTURE"], "describes pictures and takes no question; give the"),
        (["apply", "SEEING", "x.png", "--images", "FEATURES"], "has no features of x.png; it has 000000.png, 000001"),
        (["apply", "ASKED", "what?"], "answers questions about a picture; name one with --image"),
        (["score", "SEEING", "SCENES"], "reads images; name their features with --images"),
        (["score", "SEEING", "SCENES", "--images", "OTHERS"], "in patches of 4), and the model's are by patches (RGB"),
        (["features", "FOLDER", "-o", "OUT", "--patch=7"], "64 pixels are no multiple of a patch of 7; give another"),
        (["features", "EMPTY", "-o", "OUT"], "has no pictures; give a folder with files such as .png"),
        (["features", "PAPER", "-o", "OUT"], "no picture could be read; give pictures such as PNG or JPEG"),
        (["train", "SCENES", "--images", "FEATURES", "--init-from", "tolstoy"], "have no text to read; leave --init"),
    ],
)
def test_what_is_wrong_with_images_is_told_in_one_line(charrnn, scenes, seeing, asked, tmp_path, arguments, says):
    named = {
        "SCENES": scenes / "scenes", "SEEING": seeing, "ASKED": asked, "FEATURES": scenes / "f.npz",
        "OTHERS": asked.parent / "f.npz", "PICTURE": scenes / "scenes" / "images" / "000000.png",
        "FOLDER": scenes / "scenes" / "images", "OUT": tmp_path / "out.npz", "PAPER": tmp_path / "paper.txt",
        "EMPTY": tmp_path / "empty",
    }  # fmt: skip
    named["PAPER"].write_text("no picture", "utf-8")
    named["EMPTY"].mkdir()
    result = charrnn("map", *(named.get(word, word) for word in arguments))
    assert (result.status, result.out) == (1, "")
    assert says in result.err
    assert sum(line.startswith("Error: ") for line in result.err.splitlines()) == 1


def test_a_run_on_images_goes_on_where_it_was_stopped_and_only_with_its_features(charrnn, scenes, tmp_path):
    shutil.copy(scenes / "f.npz", tmp_path / "f.npz")
    given = ("map", "train", scenes / "scenes", "--images", tmp_path / "f.npz", *TINY, "--sample-every=2", "--steps=6")
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    assert charrnn(*given, "--out", whole).status == 0

    class Stops(MapWatch):
        def stop(self):
            return True

    options = {"hidden_size": 16, "memory_size": 16, "embedding_size": 8, "attention_size": 8, "threads": 1}
    api.map.train(
        scenes / "scenes", images=tmp_path / "f.npz", out=stopped, watch=Stops(), steps=6, sample_every=2, **options
    )
    assert charrnn("map", "train", "--resume", stopped).status == 0
    one, other = (safe_open(run / "last.safetensors", "numpy") for run in (whole, stopped))
    assert all((one.get_tensor(name) == other.get_tensor(name)).all() for name in one.keys())  # noqa: SIM118
    shutil.copytree(stopped, tmp_path / "again")
    (tmp_path / "f.npz").unlink()
    result = charrnn("map", "train", "--resume", tmp_path / "again")
    assert "are not at" in result.err


def test_a_cell_without_end_is_one_cell(charrnn, tmp_path):
    pairs = tmp_path / "pairs.csv"
    pairs.write_text(f'"{"x" * 200_000}",y\n' + "".join(f"a{n},b{n}\n" for n in range(20)), "utf-8")
    result = charrnn("map", "train", pairs, "--steps=2", *TINY, "--out", tmp_path / "out")
    assert result.status == 0
    assert "left out 1 row with more than 400 characters on a side, the first is row 1" in result.err


def test_a_class_whose_name_is_not_in_utf8_is_told(charrnn, tmp_path):
    for name in ("a\udcff", "b"):
        (tmp_path / "classes" / name).mkdir(parents=True)
        (tmp_path / "classes" / name / "1.txt").write_text("some text", "utf-8")
    result = charrnn("map", "train", tmp_path / "classes", "--label=folder", "--steps=2", "--out", tmp_path / "out")
    assert result.status == 1
    assert "Error: the name a‹U+DCFF› is not in UTF-8; rename it" in result.err
