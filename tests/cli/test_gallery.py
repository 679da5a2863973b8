"""The gallery by the command line: a page, pictures and figures of what units follow, or that there is none."""

import json
import shutil
import xml.etree.ElementTree as ET

import pytest
from rich.cells import cell_len

from charrnn.api.exhibits import VERDICTS
from charrnn.display.colours import colour, night
from charrnn.neurons.gallery import THEMES

QUICK = ["--ablated", 100, "--length", 150]
TITLES = [theme.title for theme in THEMES]
HOSTILE = '"</script><b>x" [red]\x1b[31m \u202e{{ 7*7 }} <img src=x onerror=alert(1)>\n'


@pytest.fixture(scope="session")
def code(tmp_path_factory):
    path = tmp_path_factory.mktemp("texts") / "code.c"
    block = 'int f(int a)\n{\n\tif (a > {N}) {\n\t\t/* say {N} */\n\t\tputs("no {N} (yes)");\n\t}\n\treturn a;\n}\n\n'
    path.write_text("".join(block.replace("{N}", str(n * n)) for n in range(80)), "utf-8")
    return path


@pytest.fixture(scope="session")
def coder(train, code):
    return train("--steps", 30, source=code)


@pytest.fixture
def gallery(charrnn, coder, code, tmp_path):
    def made(*options, model=coder, sources=(code, "--part", "all"), **env):
        result = charrnn("neurons", "gallery", model, *sources, *QUICK, *options, "-o", tmp_path / "g", **env)
        assert result.status == 0, result.err
        return result, tmp_path / "g", json.loads((tmp_path / "g" / "gallery.json").read_text("utf-8"))

    return made


def test_every_theme_is_told_in_the_table_the_figures_and_the_page(gallery):
    result, folder, figures = gallery()
    page = (folder / "index.html").read_text("utf-8")
    assert sorted(feature["title"] for feature in figures["features"]) == sorted(TITLES)
    for title in TITLES:
        assert any(line.startswith(title) for line in result.out.splitlines())
        assert f"<h2>{title}</h2>" in page
    assert max(map(cell_len, result.out.splitlines()[:-1])) <= 80
    assert figures["text_kind"] == "c"
    assert [f["verdict"] for f in figures["features"]][-1] == "the text has none"  # a play's speakers


def test_what_is_found_comes_first_and_what_has_no_unit_is_folded(gallery):
    result, folder, figures = gallery()
    features = figures["features"]
    places = [list(VERDICTS).index(each["verdict"]) for each in features if each["verdict"] in VERDICTS]
    assert places == sorted(places)
    table = [line[:17].rstrip() for line in result.out.splitlines()[1:]]
    assert table[: len(TITLES)] == [each["title"] for each in features]
    shown, folded = (folder / "index.html").read_text("utf-8").split("<details")
    for each in features:
        assert f"<h2>{each['title']}</h2>" in (shown if each["passages"] else folded)
    assert "<summary>Without a unit to show: " in folded


def test_the_page_is_opened_on_request(gallery, monkeypatch):
    opened = []
    monkeypatch.setattr("click.launch", lambda url: opened.append(url) or 0)
    _, folder, _ = gallery("--open")
    assert opened == [str(folder / "index.html")]


def test_what_is_found_has_a_picture_of_each_kind_and_an_ablation_and_nothing_else_has(gallery):
    _, folder, figures = gallery()
    files = {"index.html", "gallery.json"}
    for feature in figures["features"]:
        found = feature["verdict"] not in ("the text has none", "not found")
        assert bool(feature["passages"]) == bool(feature["ablation"]) == found
        for passage in feature["passages"]:
            files |= set(passage["files"])
            assert len(passage["values"]) == len(passage["text"]) <= 150
    assert any(feature["passages"] for feature in figures["features"])
    assert {path.name for path in folder.iterdir()} == files
    for path in folder.glob("*.svg"):
        ET.parse(path)


def test_the_figures_are_those_that_find_tells(gallery, charrnn, coder, code):
    _, _, figures = gallery()
    options = ["--feature", "line_position", "--characters", figures["characters"], "--part", "all", "--json"]
    (told,) = json.loads(charrnn("neurons", "find", coder, code, *options).out)["features"]
    finding = figures["features"][0]["finding"]
    for name in ("feature", "unit", "signal", "verdict"):
        assert finding[name] == told[name]
    for name in ("score", "surface_score", "layer_score"):
        assert finding[name] == pytest.approx(told[name], abs=1e-5)


def test_the_table_has_the_q_value_that_a_verdict_rests_on(gallery):
    result, _, figures = gallery()
    for feature in (each for each in figures["features"] if each["finding"]):
        row = next(line for line in result.out.splitlines() if line.startswith(feature["title"]))
        after_interval = row.partition(")")[2].split()
        assert float(after_interval[2]) == pytest.approx(feature["finding"]["q_value"], abs=0.0005)


def test_json_is_the_file_of_figures(gallery):
    result, _, figures = gallery("--json")
    assert json.loads(result.out) == figures


def test_passages_are_those_whose_first_line_has_the_words_in_all_features_that_change_there(gallery, code):
    _, folder, figures = gallery("--passage", "int f(", "--passage", "return a", "--length", 20)
    text = code.read_text("utf-8")
    starts = {feature["name"]: [p["start"] for p in feature["passages"]] for feature in figures["features"]}
    place = text.index("\treturn a")
    assert starts["line_position"] == [0, place]
    assert starts["conditions"] == [0]  # it is off all the time in the other
    assert not {0, place} & set(starts["comments"])  # and this in both
    for feature in figures["features"]:
        for passage, files in ((p, p["files"]) for p in feature["passages"]):
            assert text.startswith(passage["text"], passage["start"])
            assert all((folder / name).is_file() for name in files)
    assert any(len(found) == 2 for found in starts.values())
    assert (folder / "line_position-2.png").is_file()


def test_an_unknown_passage_is_an_error_before_anything_is_written(charrnn, coder, code, tmp_path):
    options = ["--part", "all", "--passage", "no such words", "-o", tmp_path / "g"]
    result = charrnn("neurons", "gallery", coder, code, *options)
    assert (result.status, result.out) == (1, "")
    assert result.err.splitlines()[-1].startswith("Error: no passage has 'no such words'; ")
    assert not (tmp_path / "g").exists()


@pytest.fixture
def alone(coder, tmp_path):
    """The model without its run, which would tell where its text is."""
    return shutil.copy(coder / "best.safetensors", tmp_path / "alone.safetensors")


@pytest.mark.parametrize(("fraction", "part"), [(0.4, "test"), (0.05, "all")])
def test_without_a_source_a_run_tells_where_its_text_is(gallery, train, code, fraction, part):
    run = train("--steps", 2, "--test-fraction", fraction, source=code)
    _, _, figures = gallery(model=run, sources=())
    assert (figures["source"], figures["part"]) == (str(code), part)


def test_a_text_of_a_run_that_has_changed_is_not_taken_for_its_own(gallery, charrnn, code, tiny, tmp_path):
    text = tmp_path / "code.c"
    text.write_bytes(code.read_bytes())
    charrnn("train", text, *tiny, "--steps", 2, "--out", tmp_path / "run")
    text.write_bytes(code.read_bytes() + b"more")
    result, _, figures = gallery("--characters", 2000, model=tmp_path / "run", sources=())
    assert f"Note: {text} has changed since the model was trained on it" in result.err
    assert figures["part"] == "written"


def test_without_a_source_and_its_text_the_model_writes_one(gallery, alone):
    result, _, figures = gallery("--characters", 2000, model=alone, sources=())
    assert "Note: the model's own text" in result.err
    assert (figures["part"], figures["characters"]) == ("written", 2000)
    again = gallery("--characters", 2000, model=alone, sources=())[2]
    assert again == figures


def test_a_part_of_a_text_that_is_not_here_is_an_error(charrnn, alone, tmp_path):
    result = charrnn("neurons", "gallery", alone, "--part", "val", "-o", tmp_path / "g")
    assert result.status == 1
    assert "name a SOURCE" in result.err


def test_a_text_that_is_too_short_is_an_error(charrnn, coder, tmp_path):
    result = charrnn("neurons", "gallery", coder, "-", "-o", tmp_path / "g", stdin=b"int a;")
    assert result.status == 1
    assert "give 2,000 or more" in result.err


def test_the_page_asks_for_nothing_and_shows_hostile_text_as_text(charrnn, train, tmp_path, open_page):
    source = tmp_path / "hostile<b>.txt"
    source.write_text(HOSTILE * 60 + "".join(f'say "{n}" ({n})\n' for n in range(200)), "utf-8")
    model = train("--steps", 5, source=source)
    out = tmp_path / "g"
    result = charrnn("neurons", "gallery", model, source, "--part", "all", *QUICK, "--passage", '"</script>', "-o", out)
    assert result.status == 0, result.err
    assert "\x1b" not in result.out + result.err
    for scheme in ("light", "dark"):
        page = open_page(out / "index.html", color_scheme=scheme, viewport={"width": 390, "height": 800})
        assert "hostile<b>.txt" in page.inner_text("header")
        assert page.query_selector("script, img, main b b") is None
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        shown = page.evaluate("[...document.querySelectorAll('.row')].map(r => r.textContent).join('')")
        assert not shown or '"</script><b>x" [red]␛[31m �{{ 7*7 }} <img src=x onerror=alert(1)>↵' in shown
        painted = page.evaluate("getComputedStyle(document.querySelector('.v0')).backgroundColor")
        lowest = {"light": colour, "dark": night}[scheme](-1)
        assert painted == f"rgb{lowest}"  # the policy lets the page's own style through


def test_what_an_earlier_gallery_left_goes_and_what_is_not_its_own_stays(gallery):
    _, folder, _ = gallery("--passage", "int f(", "--passage", "return a")
    for name in ("line_position.txt", "line_position-mine.png", "notes.md"):
        (folder / name).write_text("mine")
    assert (folder / "line_position-2.png").is_file()
    _, folder, figures = gallery()
    files = {name for feature in figures["features"] for passage in feature["passages"] for name in passage["files"]}
    mine = {"line_position.txt", "line_position-mine.png", "notes.md"}
    assert {path.name for path in folder.iterdir()} == files | mine | {"index.html", "gallery.json"}
